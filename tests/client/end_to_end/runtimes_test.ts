/** The published module with supabase-js, in runtimes that are not this one. */
import assert from "node:assert/strict";
import { lines } from "../../../tools/stack/lines.ts";
import { testInBrowser } from "../../site/support/browser.ts";
import { withDirectory } from "../../support/directory.ts";
import { inTime } from "../../support/in_time.ts";
import { bundleViewer } from "./support/program.ts";
import { serveProgram } from "./support/serve_program.ts";
import { withScriptedRelays } from "./support/two_relays.ts";

/** Starts a viewer of this relay, which says what it is told; returns how to end it. */
type Start = (relay: string, say: (line: string) => void) => Promise<() => unknown>;

/** It subscribes, hears, moves to the next relay, and hears again. */
async function views(start: Start): Promise<void> {
  const said: string[] = [];
  let wake = () => {};
  const says = async (line: string) => {
    while (!said.includes(line)) await inTime(new Promise<void>((go) => wake = go), line);
  };
  await withScriptedRelays(async ({ relay, handOver }, realtime) => {
    const end = await start(relay, (line) => {
      said.push(line);
      wake();
    });
    try {
      await says("told SUBSCRIBED");
      realtime.say("realtime:room", "before");
      await says("heard before");
      await handOver();
      realtime.say("realtime:room", "after");
      await says("heard after");
      assert.deepEqual(said, ["told SUBSCRIBED", "heard before", "heard after"]);
    } finally {
      await end();
    }
  });
}

const node = await findNode();

Deno.test({
  name: `Node ${node} with the WebSocket of ws${node ? "" : " (skipped: there is no node)"}`,
  ignore: !node,
  fn: () =>
    withDirectory(async (folder) => {
      const program = await bundleViewer("node", folder);
      await views((relay, say) => {
        // Newer ones have a WebSocket of their own, which is not to be used here.
        const args = Number(node!.split(".")[0]) >= 22 ? ["--no-experimental-websocket"] : [];
        const child = new Deno.Command("node", {
          args: [...args, program, relay],
          stdin: "piped",
          stdout: "piped",
          stderr: "inherit",
        }).spawn();
        const read = (async () => {
          for await (const line of lines(child.stdout)) say(line);
        })();
        return Promise.resolve(async () => {
          await child.stdin.close();
          await Promise.all([child.status, read]);
        });
      });
    }),
});

Deno.test("a worker of Deno", () =>
  withDirectory(async (folder) => {
    const program = await bundleViewer("worker", folder);
    await views((relay, say) => {
      const worker = new Worker(`file://${program}`, { type: "module", name: relay });
      worker.onmessage = ({ data }) => say(data);
      worker.onerror = ({ message }) => say(message);
      return Promise.resolve(() => worker.terminate());
    });
  }));

testInBrowser("a worker of Chromium", (browser) =>
  withDirectory(async (folder) => {
    await using program = serveProgram(await bundleViewer("worker", folder));
    const page = await browser.newPage();
    await views(async (relay, say) => {
      await page.exposeFunction("say", say);
      await page.goto(`${program.url}empty`);
      await page.evaluate(`
        new Worker("/viewer.js#${relay}").onmessage = ({ data }) => say(data);
        0`);
      return () => page.close();
    });
  }));

async function findNode(): Promise<string | undefined> {
  try {
    const { stdout } = await new Deno.Command("node", { args: ["--version"] }).output();
    return new TextDecoder().decode(stdout).trim().slice(1);
  } catch {
    return undefined;
  }
}
