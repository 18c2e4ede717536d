/** Whoever sends a body that nobody wants is told why, also where all is sent before anything is read. */
import assert from "node:assert/strict";
import { ReadOff } from "../../supabase/functions/relay/deno/read_off.ts";
import { inTime } from "../support/in_time.ts";
import { nodeHost } from "../support/node_host.ts";
import { hosts, testOnHosts } from "../support/relay_host.ts";
import { withRelay } from "../support/served_relay.ts";
import { inSeconds, SECRET_KEY, sign } from "../support/tokens.ts";
import { Wire } from "../support/wire.ts";
import { accepted, upstreamThat } from "../broadcast/support/post.ts";

const EVENT = "/relay/api/broadcast/a/events/e";
const LARGE = "x".repeat(2_900_000);
const SMALL = "x".repeat(10_000);

const bearer = async (changes: Record<string, unknown> = {}) =>
  `Authorization: Bearer ${await sign(changes)}`;

/** Method, path, a header, the body, and what answers. */
const REFUSED: [string, string, string, string, number, string][] = [
  ["POST", EVENT, "X: 1", LARGE, 401, "token_missing"],
  ["POST", EVENT, "Authorization: Bearer garbage", LARGE, 401, "token_malformed"],
  ["POST", EVENT, await bearer({ exp: inSeconds(-60) }), LARGE, 401, "token_expired"],
  ["POST", EVENT, `apikey: ${SECRET_KEY}`, LARGE, 403, "secret_key"],
  ["POST", "/elsewhere", "X: 1", LARGE, 404, "not_found"],
  ["PUT", EVENT, "X: 1", LARGE, 405, "method_not_allowed"],
  ["POST", EVENT, "X: 1", SMALL, 401, "token_missing"],
  ["POST", "/relay", "X: 1", LARGE, 405, "method_not_allowed"],
  ["POST", EVENT, await bearer(), LARGE + LARGE, 413, "too_big"],
];

function requestOf(method: string, path: string, header: string, body: string): string {
  const type = "Content-Type: application/json";
  return [`${method} ${path} HTTP/1.1`, "Host: a", type, header, body].join("\r\n");
}

const withLength = (body: string) => `Content-Length: ${body.length}\r\n\r\n${body}`;
const inChunks = (body: string) =>
  `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;

const HEALTH = "GET /relay/health HTTP/1.1\r\nHost: a\r\n\r\n";

testOnHosts(
  "a refused body is answered, and its connection serves on or says that it does not",
  (host) =>
    withRelay(host, upstreamThat(accepted), async ({ relay: { address } }) => {
      for (const [method, path, header, body, ...answer] of REFUSED) {
        for (const framed of [withLength, inChunks]) {
          using wire = await Wire.to(`http://${address}`);
          const sent = wire.send(requestOf(method, path, header, framed(body)));
          await inTime(sent, `all of ${method} ${path} is taken, ${framed.name}: ${answer}`);
          assert.deepEqual(await wire.answer(), answer);
          if (wire.closes) continue;
          await wire.send(HEALTH);
          assert.deepEqual(await wire.answer(), [200, undefined]);
        }
      }
    }),
  [...hosts, nodeHost],
);

testOnHosts("who sends too much or too fast is told so, whatever is on its way", (host) => {
  const env = { RELAY_FRAMES_PER_SECOND: "1", RELAY_FRAME_BURST: "6" };
  return withRelay(host, { ...upstreamThat(accepted), env }, async ({ relay: { address } }) => {
    const text = requestOf("POST", EVENT, await bearer(), withLength(LARGE));
    const codes = await Promise.all(Array.from({ length: 8 }, async () => {
      using wire = await Wire.to(`http://${address}`);
      await wire.send(text);
      return (await wire.answer())[1];
    }));
    assert.ok(codes.includes("too_many_frames"), String(codes));
    assert.ok(codes.includes("too_many_bodies"), String(codes));
  });
}, [...hosts, nodeHost]);

testOnHosts(
  "a request behind a refused body is answered in its turn",
  (host) =>
    withRelay(host, {}, async ({ relay: { address } }) => {
      using wire = await Wire.to(`http://${address}`);
      const refused = requestOf("POST", EVENT, "X: 1", withLength(HEALTH));
      await wire.send(refused + refused + HEALTH);
      const answers = [await wire.answer(), await wire.answer(), await wire.answer()];
      assert.deepEqual(answers.map(([status]) => status), [401, 401, 200], "none is a body's");
    }),
  [...hosts, nodeHost],
);

testOnHosts(
  "who waits to be asked for the body is answered without it",
  (host) =>
    withRelay(host, {}, async ({ relay: { address } }) => {
      using wire = await Wire.to(`http://${address}`);
      const expect = "Expect: 100-continue";
      const text = requestOf("POST", EVENT, expect, `Content-Length: ${LARGE.length}\r\n\r\n`);
      await wire.send(text);
      let answer = await wire.answer();
      // Deno 2.9 and Node ask for it by themselves.
      if (answer[0] === 100) answer = await wire.answer();
      assert.deepEqual(answer, [401, "token_missing"]);
    }),
  [...hosts, nodeHost],
);

/** A body in pieces, and how far it was read. */
function bodyOf(count: number, size: number) {
  const state = { read: 0, cancelled: false };
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    type: "bytes",
    pull(controller) {
      if (state.read === count) return controller.close();
      state.read++;
      controller.enqueue(new Uint8Array(size));
    },
    cancel: () => void (state.cancelled = true),
  });
  return { body, headers: new Headers(), state };
}

Deno.test("the rest of a refused body is read off: so much of it, so long, of so many at once", async () => {
  const readOff = new ReadOff();
  const [short, long, drops] = [bodyOf(50, 65_536), bodyOf(1e6, 65_536), bodyOf(1e6, 1)];
  await Promise.all([short, long, drops].map((it) => readOff.read(it)));
  assert.ok(short.state.read === 50 && !short.state.cancelled, "to its end");
  assert.ok(long.state.read < 100 && long.state.cancelled, `${long.state.read} pieces`);
  assert.ok(drops.state.read < 600 && drops.state.cancelled, `${drops.state.read} drops`);
  for (const [name, value] of [["content-length", "6000001"], ["expect", "100-continue"]]) {
    const left = bodyOf(1, 1);
    left.headers.set(name, value);
    await readOff.read(left);
    assert.equal(left.state.read, 0, name);
  }
  const headers = new Headers();
  const silent = Array.from({ length: 9 }, () => new ReadableStream({ type: "bytes" }));
  const reading = silent.map((body) => readOff.read({ body, headers }));
  assert.equal(silent.filter(({ locked }) => locked).length, 8);
  await Promise.all(reading);
  const after = bodyOf(1, 1);
  await readOff.read(after);
  assert.equal(after.state.read, 1, "who was silent gave the place back");
  const broken = new ReadableStream<Uint8Array<ArrayBuffer>>({
    type: "bytes",
    pull: (controller) => controller.error(new TypeError("connection reset")),
  });
  await readOff.read({ body: broken, headers });
  assert.equal(await readOff.read({ body: null, headers }), 0);
});

testOnHosts(
  "whoever asks for the head of /health alone, as monitors do, is told that all is well",
  (host) =>
    withRelay(host, {}, async ({ relay: { address } }) => {
      const ask = (path: string) => fetch(`http://${address}/relay${path}`, { method: "HEAD" });
      const health = await ask("/health");
      assert.deepEqual([health.status, await health.text()], [200, ""]);
      assert.equal((await ask("")).status, 405);
    }),
  [...hosts, nodeHost],
);
