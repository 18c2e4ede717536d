import assert from "node:assert/strict";
import { sumOf } from "./support/sum_of.ts";
import {
  createBroadcast,
  type Sender,
} from "../../supabase/functions/relay/broadcast/broadcast.ts";
import { readConfig } from "../../supabase/functions/relay/config/config.ts";
import { createLimits } from "../../supabase/functions/relay/door/limits.ts";
import { Places } from "../../supabase/functions/relay/peer/places.ts";

const config = readConfig({
  SUPABASE_URL: "http://realtime.test",
  SUPABASE_ANON_KEY: "anon",
  RELAY_DIAL_TIMEOUT_MS: "100",
  RELAY_CPU_SHARE: "1",
  RELAY_POLICY: JSON.stringify({ anon: { topics: ["a"] } }),
});
const LIST = '{"messages":[{"topic":"a","event":"e","payload":{}}]}';
const LISTS = LIST.replace("}]", '},{"topic":"a"}]');

const accepts = () => Promise.resolve(new Response(null, { status: 202 }));

/** What is sent, what Realtime does, how many messages may pass, and what comes of it. */
const CASES: [what: string, body: BodyInit, realtime: () => Promise<Response>, number, string][] = [
  ["it is sent", LIST, accepts, 9, "202"],
  ["it is no JSON", "nope", accepts, 9, "bad_request"],
  ["its topic is forbidden", LIST.replace('"a"', '"b"'), accepts, 9, "topic_forbidden"],
  ["nothing may pass", LIST, accepts, 0, "too_many_frames"],
  ["not all of it may pass", LISTS, accepts, 1, "too_many_frames"],
  ["Realtime is not there", LIST, () => Promise.reject(new TypeError("no")), 9, "upstream_refused"],
  ["it is too long", "x".repeat(3_000_001), accepts, 9, "too_big"],
  ["it never ends", new ReadableStream(), accepts, 9, "body_timeout"],
  [
    "it breaks off",
    new ReadableStream({ start: (controller) => controller.error(new Error("reset")) }),
    accepts,
    9,
    "bad_request",
  ],
  [
    "the answer breaks off",
    LIST,
    () => {
      const start = (controller: ReadableStreamDefaultController) => controller.error(new Error());
      return Promise.resolve(new Response(new ReadableStream({ start })));
    },
    9,
    "upstream_refused",
  ],
];

Deno.test("whatever comes of a broadcast, what its body held is free again", async () => {
  for (const [what, body, realtime, most, expected] of CASES) {
    let [held, peak, left] = [0, 0, most];
    const sum = sumOf(1 << 24);
    const memory = {
      take(bytes: number) {
        peak = Math.max(peak, held += bytes);
        return sum.take(bytes);
      },
      give(bytes: number) {
        held -= bytes;
        sum.give(bytes);
      },
    };
    const broadcast = createBroadcast(config, { fetch: realtime }, memory);
    const sender: Sender = {
      identity: { kind: "anonymous" },
      name: "a",
      mayPass: (messages) => (left -= messages) >= 0,
      recheck() {},
    };
    const request = new Request("http://relay.test/", { method: "POST", body });
    const outcome = await broadcast(request, {}, sender)
      .then(({ status }) => String(status), ({ code }) => code);
    assert.deepEqual([outcome, held], [expected, 0], what);
    assert.equal(peak > 0, most > 0, what);
  }
});

Deno.test("a body that cannot be paid for takes nothing: who tries again and again sends it in the end", async () => {
  let time = 0;
  const limits = createLimits(config, new Places(), 1, () => time);
  const broadcast = createBroadcast(config, { fetch: accepts }, sumOf(1 << 24));
  const sender: Sender = {
    identity: { kind: "anonymous" },
    name: "a",
    mayPass: (messages, bytes) => limits.mayBroadcast(sender.identity, "1.1.1.1", messages, bytes),
    recheck() {},
  };
  const pieces = Array.from({ length: 40 }, () => new Uint8Array(50_000));
  const post = () => {
    const headers = { "content-length": "2000000" };
    const body = ReadableStream.from(pieces);
    const request = new Request("http://relay.test/", { method: "POST", body, headers });
    return broadcast(request, { topic: "a", event: "e" }, sender)
      .then(({ status }) => status, ({ code }) => code);
  };
  let burst = 0;
  while (await post() === 202) burst++;
  const answers: unknown[] = [];
  // A core's hundredth brings in 450 bytes a millisecond.
  for (; time < 60_000; time += 500) answers.push(await post());
  const passed = answers.filter((it) => it === 202).length;
  assert.ok(answers.every((it) => it === 202 || it === "too_many_frames"), `${answers}`);
  assert.ok(burst >= 4 && passed >= 12, `${burst} at once, and ${passed} in a minute`);
});
