import assert from "node:assert/strict";
import { canMeasureMemory, memoryOf, peakMemory } from "../support/memory.ts";
import { hosts, testOnNewest } from "../support/relay_host.ts";
import { withRelay } from "../support/served_relay.ts";
import { ALICE, BOB, PUBLISHABLE_KEY, sign } from "../support/tokens.ts";
import { Wire } from "../support/wire.ts";
import { accepted, post, upstreamThat } from "./support/post.ts";
import { LONG } from "../support/long.ts";

/** As Realtime's own bound on a payload. */
const LARGEST = 3_000_000;

/** What 150 half bodies, of 430 MiB, may cost a worker: V8 collects what was read when it likes. */
const MOST_MIB = 80;

/** The relay may learn of a connection's end a little later than the next request. */
const TRIES = 200;

const EVENT = "/api/broadcast/a/events/e";

/** The head of a broadcast; without a length its body is chunked. */
function headOf(address: string, headers: Record<string, string>, length?: number): string {
  const all = {
    Host: address,
    "Content-Type": "application/json",
    ...(length === undefined ? { "Transfer-Encoding": "chunked" } : { "Content-Length": length }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST /relay${EVENT} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

const bearer = async (sub: string) => ({ authorization: `Bearer ${await sign({ sub })}` });

for (const kind of ["a length", "chunks"]) {
  // Where time is short, one stands for both.
  const isShort = !LONG && kind === "a length";
  Deno.test({
    name: `150 bodies with ${kind} that stop before their end hold less than ${MOST_MIB} MiB` +
      (isShort ? " (ignored: a full count)" : ""),
    ignore: !canMeasureMemory || isShort,
    async fn() {
      const { onRequest } = upstreamThat(accepted);
      const env = { RELAY_DIAL_TIMEOUT_MS: "5000" };
      await withRelay(hosts[0], { onRequest, env }, async ({ relay: { address, pid } }) => {
        const half = `{"a":"${"x".repeat(LARGEST - 7)}`;
        const size = half.length.toString(16);
        const body = kind === "chunks" ? `${size}\r\n${half}\r\n` : half;
        const length = kind === "chunks" ? undefined : LARGEST;
        const wires: Wire[] = [];
        const statuses: Record<string, number> = {};
        const send = async (index: number) => {
          const wire = await Wire.to(`http://${address}`);
          wires.push(wire);
          const head = headOf(address, await bearer(`user-${index}`), length);
          // A relay that answers at once may close before all is written.
          await wire.send(head + body).catch(() => {});
          const [status] = await wire.answer().catch(() => [0]);
          statuses[status] = (statuses[status] ?? 0) + 1;
        };
        const before = memoryOf(pid);
        const peak = await peakMemory(pid, async () => {
          await Promise.all(Array.from({ length: 150 }, (_, index) => send(index)));
        });
        for (const wire of wires) wire.close();
        const held = Math.round(peak - before);
        assert.ok(held < MOST_MIB, `150 half bodies hold ${held} MiB`);
        assert.ok(!statuses[202], "no half body is a broadcast");
      });
    },
  });
}

testOnNewest("one sender has few bodies under way; others are served", async (host) => {
  const { onRequest, arrived } = upstreamThat(accepted);
  const env = { RELAY_ANONYMOUS: "allow", RELAY_TRUSTED_PROXIES: "1" };
  await withRelay(host, { onRequest, env }, async (served) => {
    const { address } = served.relay;
    const viewer = (ip: string) => ({ apikey: PUBLISHABLE_KEY, "x-forwarded-for": ip });
    const senders: [Record<string, string>, Record<string, string>][] = [
      [await bearer(ALICE), await bearer(BOB)],
      [viewer("10.0.0.1"), viewer("10.0.0.2")],
    ];
    for (const [sender, other] of senders) {
      const wires: Wire[] = [];
      // None of them sends a byte of its body, so that each is under way until it is cut.
      for (let n = 0; n < 5; n++) {
        wires.push(await Wire.to(`http://${address}`));
        await wires[n].send(headOf(address, sender, LARGEST));
      }
      const answers = wires.map((wire) => wire.answer());
      assert.deepEqual(await Promise.any(answers), [429, "too_many_bodies"]);
      const send = async (headers: Record<string, string>) => {
        const type = { "content-type": "application/json" };
        return (await post(served, EVENT, { headers: { ...headers, ...type }, body: "{}" })).status;
      };
      assert.equal(await send(other), 202);
      for (const wire of wires) wire.close();
      await Promise.allSettled(answers);
      const statuses = [];
      while (statuses.length < TRIES && statuses.at(-1) !== 202) statuses.push(await send(sender));
      assert.equal(statuses.at(-1), 202, "who is cut gives the place back");
    }
    assert.equal(arrived.length, 4);
  });
});

testOnNewest("a length over the bound is refused before a byte of it is there", async (host) => {
  const { onRequest, arrived } = upstreamThat(accepted);
  await withRelay(host, { onRequest }, async ({ relay: { address } }) => {
    using wire = await Wire.to(`http://${address}`);
    await wire.send(headOf(address, await bearer(ALICE), LARGEST + 1));
    assert.deepEqual(await wire.answer(), [413, "too_big"]);
    using chunked = await Wire.to(`http://${address}`);
    await chunked.send(headOf(address, await bearer(ALICE)));
    const size = 500_000;
    const chunk = `${size.toString(16)}\r\n${" ".repeat(size)}\r\n`;
    for (let sent = 0; sent <= LARGEST; sent += size) await chunked.send(chunk).catch(() => {});
    assert.deepEqual(await chunked.answer(), [413, "too_big"]);
    assert.equal(arrived.length, 0);
  });
});

testOnNewest("who sends too fast is told so before a byte of the body is there", async (host) => {
  const { onRequest } = upstreamThat(accepted);
  const env = {
    RELAY_FRAMES_PER_SECOND: "1",
    RELAY_FRAME_BURST: "1",
    RELAY_DIAL_TIMEOUT_MS: "300",
  };
  await withRelay(host, { onRequest, env }, async ({ relay: { address } }) => {
    const sender = await bearer(ALICE);
    const codes = [];
    // Of those that nobody finishes within 300 ms, one a second has a message left.
    for (let n = 0; n < 10; n++) {
      using wire = await Wire.to(`http://${address}`);
      await wire.send(headOf(address, sender, 1_000));
      codes.push((await wire.answer())[1]);
    }
    assert.ok(codes.includes("too_many_frames"), String(codes));
  });
});
