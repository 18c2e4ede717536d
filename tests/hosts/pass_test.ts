import assert from "node:assert/strict";
import { inTime } from "../support/in_time.ts";
import { LONG } from "../support/long.ts";
import { memoryOf } from "../support/memory.ts";
import { nodeHost, nodeMissing, startNode } from "../support/node_host.ts";
import type { RelayProcess } from "../support/relay_host.ts";
import { relayEnv } from "../support/served_relay.ts";
import { ask, textOf } from "./support/pass/ask.ts";
import { playProject, type Project } from "./support/pass/project.ts";
import { sentences } from "./support/pass/sentences.ts";
import { startWorkerd, workerdMissing } from "./support/workerd.ts";

const LEFT = "a client that leaves while it waits is not waited for, nor is what it sent behind";
const REFUSED =
  "an upload that is refused before its end leaves the connection to the next request";
const CODING = "a body in a coding that would be lost on the way is not passed on";
const CUT = "a project that cuts the connection behind its refusal is heard";

/** `gaps`: what is not seen there, with the reason. */
const hosts = [
  { name: nodeHost.name, missing: nodeMissing, start: startNode, gaps: {} },
  {
    name: "workerd",
    missing: workerdMissing,
    start: startWorkerd,
    gaps: {
      [LEFT]: "Miniflare's own Worker stands before it, and waits on",
      [CODING]: "the connection is the platform's, and Miniflare's own server reads the body",
      [CUT]: "the connection is the platform's, and workerd gives up where a write fails",
      [REFUSED]: "the connection is the platform's, and Miniflare ends it",
    },
  },
];

/** In bytes, how often, and how much memory may grow, in MiB. */
const [SIZE, TIMES, MOST_MIB] = LONG ? [50_000_000, 3, 32] : [10_000_000, 4, 32];

type Start = (environment: Record<string, string>) => Promise<RelayProcess>;

/** A relay that passes everything on to what plays the project. */
async function withProject(
  start: Start,
  test: (relay: RelayProcess, project: Project) => Promise<void>,
): Promise<void> {
  await using project = await playProject();
  const relay = await start({ ...relayEnv(project.url), RELAY_PASS: "all" });
  try {
    await test(relay, project);
  } finally {
    await relay.stop();
  }
  const secrets = /eyJ|sb(?:_|%(?:25)?5f)|[?&]\w+=/;
  for (const line of relay.output) assert.doesNotMatch(line, secrets, "a log line");
}

function parse(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line);
  } catch {
    return {};
  }
}

for (const { name, missing, start, gaps } of hosts) {
  const ignore = missing !== "";
  Deno.test({
    name: `${name} passes a project on as it is${missing}`,
    ignore,
    fn: (t) =>
      withProject(start, async (relay, project) => {
        const lines = () => relay.output.map(parse).filter(({ event }) => event === "pass");
        const { address } = relay;
        for (const [says, prove] of Object.entries(sentences)) {
          const gap = (gaps as Record<string, string>)[says];
          await t.step({
            name: gap ? `${says} (not here: ${gap})` : says,
            ignore: gap !== undefined,
            fn: () => inTime(prove({ address, project, lines }), says),
          });
        }
      }),
  });

  Deno.test({
    name: `${name}: a project that is not there is told, with a reason${missing}`,
    ignore,
    async fn() {
      const relay = await start({ ...relayEnv("http://127.0.0.1:9"), RELAY_PASS: "rest" });
      try {
        const answer = await ask(relay.address, "/rest/v1/x");
        const { code, message } = JSON.parse(textOf(answer));
        assert.deepEqual([answer.status, code], [502, "upstream_refused"]);
        assert.match(message, /^The project did not answer: ./);
        await relay.line(({ event, status }) => event === "pass" && status === 502);
      } finally {
        await relay.stop();
      }
    },
  });

  Deno.test({
    name: `${name}: ${SIZE / 1e6} MB go up and come down in flat memory${missing}`,
    ignore,
    fn: () =>
      withProject(start, async ({ address, pid }, { asked }) => {
        const url = `http://${address}/storage/v1/object/b/big?size=${SIZE}`;
        const carry = async () => {
          await (await fetch(url, { method: "POST", body: new Uint8Array(SIZE) })).body?.cancel();
          assert.equal(asked.at(-1)!.length, SIZE);
          let size = 0;
          for await (const piece of (await fetch(url)).body!) size += piece.length;
          assert.equal(size, SIZE);
        };
        // What a process takes for its first ones it takes for all.
        await carry();
        const before = memoryOfAll(pid);
        for (let n = 0; n < TIMES; n++) await carry();
        const grown = memoryOfAll(pid) - before;
        assert.ok(grown < MOST_MIB, `memory grew by ${grown} MiB, for ${TIMES} times both ways`);
      }),
  });
}

/** Of a process and what it started, in MiB. */
function memoryOfAll(pid: number): number {
  const children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`);
  const below = children.split(" ").filter(Boolean).map(Number);
  return below.reduce((sum, child) => sum + memoryOfAll(child), memoryOf(pid));
}
