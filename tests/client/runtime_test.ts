import assert from "node:assert/strict";
import vm from "node:vm";
import { build } from "../../tools/client/build.ts";
import { withDirectory } from "../support/directory.ts";
import { ScriptedWorld } from "./support/scripted_server.ts";
import { broadcast } from "./support/session_rig.ts";

/** What React Native's engine has beside the language: no DOM class, and no page. */
const ENGINE = {
  ...{ URL, TextDecoder, AbortController, console, Promise, atob },
  ...{ setTimeout, clearTimeout },
};

/** The built module, run where only these globals are. */
async function moduleIn(
  globals: Record<string, unknown>,
): Promise<typeof import("../../client/mod.ts")> {
  let source = "";
  await withDirectory(async (folder) => {
    await build(`${folder}/dist/`);
    source = await Deno.readTextFile(`${folder}/dist/mod.js`);
  });
  const names = /export\{(.*)\};?\s*$/.exec(source)![1];
  const pairs = names.split(",").map((pair) => pair.split(" as ").toReversed().join(":"));
  const script = `"use strict";${source.replace(/export\{.*\};?\s*$/, "")}({${pairs.join()}})`;
  return vm.runInContext(script, vm.createContext({ ...globals }));
}

Deno.test("the module runs where there is no DOM: it opens, hears, wakes, sends, and is closed", async () => {
  const { relayTransport } = await moduleIn(ENGINE);
  const world = new ScriptedWorld({}, "2.0.0", relayTransport);
  const { face, frames, first } = await world.live();
  first.bring(broadcast("realtime:room", 1));
  assert.equal(frames.at(-1)!.payload.payload, 1);
  // What React Native's AppState tells stands for the page's visibility.
  first.refuse(1006, "");
  world.wake("visible");
  await world.settle();
  assert.equal(world.sockets.length, 2);
  world.socket.open();
  await world.settle();
  assert.throws(() => new world.transport("wss://a.test?vsn=2.0.0").send("x"), {
    name: "InvalidStateError",
  });
  const closed = new Promise<{ code: number }>((go) =>
    face.addEventListener("close", go as never, { once: true })
  );
  face.send(new TextEncoder().encode("{}"));
  assert.throws(() => face.send({ size: 1 } as never), /got a Blob/);
  face.close();
  assert.equal((await closed).code, 1000);
});

Deno.test("it needs no WebSocket, and says so where none is given", async () => {
  const { relayTransport } = await moduleIn(ENGINE);
  const transport = relayTransport({ relay: "https://relay.test/functions/v1/relay" });
  const face = new transport("wss://a.test?vsn=2.0.0");
  face.onmessage = () => {};
  await new Promise((go) => setTimeout(go, 5));
  const { state, reason } = transport.status;
  assert.match(`${state} ${reason}`, /^refused This runtime has no WebSocket/);
  face.close();
});

/** A page that a test turns. */
class Page {
  listeners: [string, (event: unknown) => void][] = [];
  visibilityState = "hidden";
  addEventListener = (name: string, then: (event: unknown) => void) =>
    void this.listeners.push([name, then]);
  removeEventListener = (name: string, then: unknown) => {
    this.listeners = this.listeners.filter((listener) =>
      listener[0] !== name || listener[1] !== then
    );
  };
  fire(type: string, event: unknown): void {
    for (const [name, then] of this.listeners) if (name === type) then(event);
  }
}

Deno.test("a page wakes it by its network, its visibility and the back/forward cache; a worker has no page", async () => {
  const [page, document] = [new Page(), new Page()];
  const { addEventListener, removeEventListener } = page;
  let dialled = 0;
  class Silent {
    readyState = 0;
    constructor() {
      dialled++;
    }
    close() {}
  }
  const globals = { ...ENGINE, addEventListener, removeEventListener, document, WebSocket: Silent };
  const { relayTransport } = await moduleIn(globals);
  // That the page is put away is to be known before realtime-js hears of it.
  const before = page.listeners.length;
  let now = 0;
  const transport = relayTransport({
    relay: "https://relay.test/functions/v1/relay",
    host: { now: () => now },
  });
  const face = new transport("wss://a.test?vsn=2.0.0");
  face.onmessage = () => {};
  const dials = async () => {
    await new Promise((go) => setTimeout(go));
    return dialled;
  };
  assert.equal(await dials(), 1);
  const wakes: [Page, string, unknown][] = [
    [page, "online", {}],
    [page, "pageshow", { persisted: true }],
    [document, "visibilitychange", {}],
  ];
  document.visibilityState = "visible";
  for (const [i, [target, name, event]] of wakes.entries()) {
    now += 5_000;
    target.fire(name, event);
    assert.equal(await dials(), i + 2, name);
  }
  face.close();
  assert.deepEqual([page.listeners.length, document.listeners.length], [before, 0]);
});
