import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { openProject } from "../../tools/stack/project/project.ts";
import { withDirectory } from "../support/directory.ts";
import { inTime } from "../support/in_time.ts";
import { LONG } from "../support/long.ts";
import { memoryOf, peakMemory } from "../support/memory.ts";
import { nodeMissing, startNode } from "../support/node_host.ts";
import type { RelayProcess } from "../support/relay_host.ts";
import { withStack } from "../support/stack.ts";
import { type Browser, testInBrowser } from "../site/support/browser.ts";
import { bundle } from "./support/bundle.ts";
import { serveWithResumable } from "./support/resumable.ts";

/** Of the largest object, in bytes. */
const SIZE = LONG ? 50_000_000 : 5_000_000;
const FLOWS = 7;
const PROJECT = fileURLToPath(new URL("support/project", import.meta.url));
const WAIT_MS = LONG ? 300_000 : 120_000;

interface Stage {
  relay: RelayProcess;
  /** What the app is given, and nothing else. */
  given: { url: string; key: string; size: number };
  /** What the relay keeps everybody from. */
  projects: string[];
}

/** A whole project, a relay that passes all of it on, and nobody else who knows the project. */
async function withWhole(work: (stage: Stage) => Promise<void>): Promise<void> {
  await withStack(async ({ info }) => {
    await using project = await serveWithResumable(info.API_URL);
    const relay = await startNode({
      SUPABASE_URL: project.url,
      SUPABASE_PUBLISHABLE_KEY: info.PUBLISHABLE_KEY,
      RELAY_JWT_SECRET: info.JWT_SECRET,
      RELAY_PASS: "all",
    });
    const given = { url: `http://${relay.address}`, key: info.PUBLISHABLE_KEY, size: SIZE };
    try {
      await inTime(work({ relay, given, projects: [project.url, info.API_URL] }), "all", WAIT_MS);
    } finally {
      await relay.stop();
    }
    for (const line of relay.output) assert.doesNotMatch(line, /eyJ|sb_|[?&]\w+=/, "a log line");
  }, { project: openProject({ directory: PROJECT }), port: 0 });
}

/** The relay sees the same of both. */
const skipped = nodeMissing ||
  (LONG ? "" : " (skipped: Node does the same, RELAY_TEST_LONG=1 runs it)");

Deno.test({
  name: `supabase-js does all that it does on the relay's address alone, in Node${nodeMissing}`,
  ignore: nodeMissing !== "",
  fn: () =>
    withDirectory((directory) =>
      withWhole(async ({ relay, given }) => {
        const script = `${directory}/app.cjs`;
        await Deno.writeTextFile(script, await bundle("node"));
        const app = async (size: number) => {
          const args = [script, given.url, given.key, String(size)];
          const { stdout, stderr, code } = await new Deno.Command("node", { args }).output();
          assert.equal(code, 0, new TextDecoder().decode(stderr));
          assert.equal(JSON.parse(new TextDecoder().decode(stdout)).length, FLOWS);
        };
        if (!LONG) return await app(SIZE);
        // What the relay takes for its first requests it takes for all.
        await app(SIZE / 10);
        const before = memoryOf(relay.pid);
        const peak = await peakMemory(relay.pid, () => app(SIZE));
        const [grown, size] = [peak - before, SIZE / 2 ** 20];
        assert.ok(grown < size * 0.75, `memory grew by ${grown} MiB for ${size} MiB, up and down`);
      })
    ),
});

testInBrowser(
  `supabase-js does all that it does on the relay's address alone, in Chromium${skipped}`,
  (browser) => withWhole((stage) => inPage(browser, stage)),
  skipped !== "",
);

/** Whoever asks for anything but the page and the relay is cut off, and told of. */
async function inPage(browser: Browser, { given, projects }: Stage): Promise<void> {
  const html = `<!doctype html><script>${(await bundle("page")).replaceAll("</", "<\\/")}</script>`;
  const headers = { "content-type": "text/html" };
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => new Response(html, { headers }),
  );
  const page = await browser.newPage();
  const own = [`http://127.0.0.1:${server.addr.port}`, given.url, given.url.replace("http", "ws")];
  const elsewhere: string[] = [];
  const asked = new Set<string>();
  const note = (address: string) => {
    const { origin, protocol, host } = new URL(address);
    const from = origin === "null" ? `${protocol}//${host}` : origin;
    asked.add(from);
    if (!own.includes(from)) elsewhere.push(address);
    return own.includes(from);
  };
  await page.route("**", (route) => note(route.request().url()) ? route.continue() : route.abort());
  page.on("websocket", (socket) => note(socket.url()));
  try {
    await page.goto(own[0]);
    const done = await page.evaluate((given) => {
      return (globalThis as unknown as { run(given: unknown): Promise<string[]> }).run(given);
    }, given);
    assert.equal(done.length, FLOWS);
    assert.deepEqual(elsewhere, []);
    assert.deepEqual([...asked].toSorted(), own.toSorted());
    assert.ok(projects.every((url) => !asked.has(url)));
  } finally {
    await page.close();
    await server.shutdown();
  }
}
