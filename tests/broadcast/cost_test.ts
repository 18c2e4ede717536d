import assert from "node:assert/strict";
import { hosts } from "../support/relay_host.ts";
import { withRelay } from "../support/served_relay.ts";
import { sign } from "../support/tokens.ts";
import { accepted, post, upstreamThat } from "./support/post.ts";

/** Of a body: so large that reading and judging it is most of its request's cost. */
const BYTES = 2_900_000;

/** So many of each, in turns: a body takes less than a tick of the clock that counts what was computed. */
const BODIES = 40;

/** As many of a piece as a body has room for, with commas. */
const many = (piece: string) => Array(Math.floor(BYTES / (piece.length + 1))).fill(piece).join();

/** A list of one message whose payload is filled with these, over and over. */
function listOf(piece: string): string {
  const payload = `{"a":[${many(piece)}]}`;
  return `{"messages":[{"topic":"a","event":"e","payload":${payload}}]}`;
}

const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

const LIST = "/api/broadcast";
const EVENT = "/api/broadcast/a/events/e";

/** What is sent, and how many times the cost of the first it may cost. */
const KINDS: Record<string, [path: string, body: string, times?: number]> = {
  flat: [LIST, listOf(`"${"x".repeat(1_000)}"`)],
  "nested as deep as may be": [LIST, listOf(nested(59))],
  "objects as deep as may be": [LIST, listOf(`${'{"a":'.repeat(59)}1${"}".repeat(59)}`)],
  "nested deeper": [LIST, listOf(nested(1_000))],
  "nested from end to end": [LIST, `{"messages":${nested(BYTES / 2)}}`],
  "opened and never closed": [LIST, `{"messages":${"[".repeat(BYTES)}`],
  "many values": [LIST, listOf("1")],
  "many keys": [LIST, `{"messages":[{"topic":"a",${many('"topik":"a"')}}]}`],
  "many messages": [LIST, `{"messages":[${many('{"topic":"a"}')}]}`],
  "many escaped keys": [LIST, `{"messages":[{${many('"\\u0074opic":"aaaa"')}}]}`],
  "escaped quotes": [LIST, listOf(`"${'\\"'.repeat(1_000)}"`)],
  "nested, of one event": [EVENT, `{"a":[${many(nested(60))}]}`],
  "many keys, of one event": [EVENT, `{${many('"privata":"a"')}}`, 6],
};

/** What a process has computed so far, in ms. */
function cpuOf(pid: number): number {
  const [utime, stime] = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1].split(" ")
    .slice(11, 13).map(Number);
  return (utime + stime) * 10;
}

Deno.test({
  name: "a byte of nested text costs at most three times a byte of flat text",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const { onRequest } = upstreamThat(accepted);
    // As much as a client can have: it sends 300 MB.
    await withRelay(hosts[0], { onRequest, env: { RELAY_CPU_SHARE: "1000" } }, async (served) => {
      const authorization = `Bearer ${await sign()}`;
      const headers = { authorization, "content-type": "application/json" };
      const costs: Record<string, number> = {};
      for (let turn = 0; turn <= BODIES; turn++) {
        for (const [kind, [path, body]] of Object.entries(KINDS)) {
          const before = cpuOf(served.relay.pid);
          const { status } = await post(served, path, { headers, body });
          assert.ok([202, 400].includes(status), `${kind}: ${status}`);
          // The first turn is for the compiler.
          const cost = cpuOf(served.relay.pid) - before;
          if (turn > 0) costs[kind] = (costs[kind] ?? 0) + cost;
        }
      }
      for (const [kind, [, , times = 3]] of Object.entries(KINDS)) {
        const message = `${kind}: ${costs[kind]} ms, where flat text takes ${costs.flat}`;
        assert.ok(costs[kind] <= times * costs.flat, message);
      }
    });
  },
});
