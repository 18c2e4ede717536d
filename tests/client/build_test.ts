import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { build } from "../../tools/client/build.ts";
import { withDirectory } from "../support/directory.ts";
import { ScriptedWorld } from "./support/scripted_server.ts";
import { broadcast } from "./support/session_rig.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A page's script may cost this much; what is on top of it has to be worth it. */
const MAX_GZIP_BYTES = 21_750;

/** What the declarations of mod.ts name, and nothing else. */
const TYPES = [
  ...["catch_up", "frame", "host", "message_catch_up", "mod", "row_change", "socket", "status"],
];

/** TypeScript: "Type X is not assignable to type Y". */
const NOT_ASSIGNABLE = 2322;

/** The package as it is published: built, beside its package.json. */
async function withPackage(
  test: (folder: string, size: { bytes: number; gzip: number }) => Promise<void>,
): Promise<void> {
  await withDirectory(async (folder) => {
    const size = await build(`${folder}/dist/`);
    await Deno.copyFile(`${ROOT}client/package.json`, `${folder}/package.json`);
    await test(folder, size);
  });
}

Deno.test("the client is one small module without imports, and imports as one", async () => {
  await withPackage(async (folder, { gzip }) => {
    assert.ok(gzip < MAX_GZIP_BYTES, `${gzip} bytes gzipped, of ${MAX_GZIP_BYTES}`);
    const source = await Deno.readTextFile(`${folder}/dist/mod.js`);
    assert.doesNotMatch(source, /\bimport\b|\brequire\b/);
    const { messageCatchUp, relayTransport, tableCatchUp, ...rest } = await import(
      `file://${folder}/dist/mod.js`
    );
    assert.deepEqual(rest, {});
    const transport = relayTransport({ relay: "https://relay.test/functions/v1/relay" });
    assert.equal(transport.status.state, "closed");
    const table = tableCatchUp(null, "url_clicks", { key: "id", time: "clicked_at" });
    assert.deepEqual([table.schema, table.overlapMs], ["public", 30_000]);
    assert.equal(messageCatchUp(null, { databaseOnly: true }).history.databaseOnly, true);
  });
});

Deno.test("the built module does what its sources do: it moves, and brings back what was missed", async () => {
  await withPackage(async (folder) => {
    const { relayTransport } = await import(`file://${folder}/dist/mod.js?scripted`);
    const topic = "realtime:room";
    const world = new ScriptedWorld({ wallClockMs: 100_000 }, "2.0.0", relayTransport);
    const { face, frames, first } = await world.live(topic, { private: true });
    first.bring(broadcast(topic, 1, "a"));
    await world.pass(40_000);
    world.socket.open();
    await world.settle();
    assert.equal(world.socket.out("phx_join").length, 1);
    await world.pass(2_000);
    assert.equal(first.readyState, first.CLOSED, "make before break");
    world.socket.refuse(1006, "");
    await world.pass(1_000);
    world.socket.open();
    await world.settle();
    const last = world.socket;
    assert.match(JSON.stringify(last.out("phx_join")), /"replay":{"since":\d+,"limit":25}/);
    last.bring(broadcast(topic, 2, "b"));
    const events = frames.filter(({ event }) => event === "broadcast");
    assert.deepEqual(events.map(({ payload }) => payload.payload), [1, 2]);
    assert.equal(world.transport.status.state, "live");
    face.close();
    assert.equal(world.timers, 0);
  });
});

Deno.test("npm packs the module and its types, and they stand alone", async () => {
  await withPackage(async (folder) => {
    const { success, stdout } = await new Deno.Command("npm", {
      args: ["pack", "--dry-run", "--json"],
      cwd: folder,
      stderr: "null",
    }).output();
    assert.ok(success);
    const [{ files }] = JSON.parse(new TextDecoder().decode(stdout));
    const expected = [...TYPES.map((name) => `dist/${name}.d.ts`), "dist/mod.js", "package.json"];
    assert.deepEqual(
      files.map(({ path }: { path: string }) => path).toSorted(),
      expected.toSorted(),
    );
    const use = `import { relayTransport, tableCatchUp, type RelayStatus } from "./dist/mod.js";
      const catchUp = [tableCatchUp({ schema: () => ({ from: () => null }) }, "t", { key: "id", time: "at" })];
      const onstatus = ({ state }: RelayStatus) => console.log(state);
      const transport: { readonly OPEN: number } = new (relayTransport({ relay: "", catchUp, onstatus }))("");
      export const wrong: string = transport.OPEN;`;
    await Deno.writeTextFile(`${folder}/use.ts`, use);
    const { ModuleKind, ModuleResolutionKind, ScriptTarget } = ts;
    const program = ts.createProgram([`${folder}/use.ts`], {
      ...{ strict: true, noEmit: true, types: [], target: ScriptTarget.ES2022 },
      ...{ module: ModuleKind.ES2022, moduleResolution: ModuleResolutionKind.Bundler },
      lib: ["lib.es2022.d.ts", "lib.dom.d.ts"],
    });
    const errors = ts.getPreEmitDiagnostics(program).map(({ code }) => code);
    assert.deepEqual(errors, [NOT_ASSIGNABLE], "only that a number is no string");
  });
});
