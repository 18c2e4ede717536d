import assert from "node:assert/strict";
import type { Vsn } from "../../supabase/functions/relay/realtime/upstream.ts";
import { text } from "../support/attack.ts";
import { orFinding } from "../support/finding.ts";
import { FrameOracle } from "./support/fuzz/frame_oracle.ts";
import { type Data, makeFrame } from "./support/fuzz/frames.ts";
import { mayDial } from "./support/fuzz/handshake_oracle.ts";
import { type Handshake, makeHandshake, show } from "./support/fuzz/handshakes.ts";
import { converse, shake } from "./support/fuzz/on_the_wire.ts";
import { Random } from "./support/fuzz/random.ts";
import { COUNTS, env, rules, SEED } from "./support/fuzz/settings.ts";
import { alice, badTokens, frameTokens, handshakeTokens, verified } from "./support/fuzz/tokens.ts";
import { canMeasureMemory, memoryOf } from "../support/memory.ts";
import { testOnNewest } from "../support/relay_host.ts";
import { withRelay } from "../support/served_relay.ts";
import { ALICE } from "../support/tokens.ts";

/** What a heap may grow by between two collections, in MiB; what leaks grows with the count. */
const GROWTH_MIB = 48;

/** Handshakes of one round, or frames of one socket. */
const BATCH = 20;

/** Does all of it; the second half may not need more memory than the first left behind. */
async function assertBounded(pid: number, count: number, work: () => Promise<void>) {
  let half = 0;
  for (let done = 0; done < count; done += BATCH) {
    if (canMeasureMemory && !half && done >= count / 2) half = memoryOf(pid);
    await work();
  }
  const growth = canMeasureMemory ? memoryOf(pid) - half : 0;
  assert.ok(growth < GROWTH_MIB, `memory grew by ${growth} MiB`);
}

/** A bug in a handler is answered, and logged with this code. */
const assertNoBug = (output: string[]) =>
  orFinding(SEED, "what the relay printed", () => {
    assert.deepEqual(output.filter((line) => /"internal"|[Uu]ncaught/.test(line)), []);
  });

const handshakes = `fuzz: ${COUNTS.wireHandshakes} handshakes over TCP`;
testOnNewest(`${handshakes} harm nobody, and bad ones never dial (seed ${SEED})`, async (host) => {
  const random = new Random(SEED);
  await withRelay(host, { env }, async ({ relay, upstream }) => {
    const good: Handshake[] = [];
    await assertBounded(relay.pid, COUNTS.wireHandshakes, async () => {
      const bad: Handshake[] = [];
      while (bad.length < BATCH) {
        const handshake = makeHandshake(random, relay.address, handshakeTokens);
        // Deno puts its own address in the place of an empty Host.
        const host = handshake.host || relay.address;
        (mayDial({ ...handshake, host }, rules) ? good : bad).push(handshake);
      }
      // Without a good token, since a broken line may take away what was wrong.
      const broken = bad.slice(BATCH / 2)
        .map(() => makeHandshake(random, relay.address, badTokens));
      for (const [index, handshake] of [...bad.slice(0, BATCH / 2), ...broken].entries()) {
        await shake(relay.address, handshake, index < BATCH / 2 ? undefined : random);
        const what = `this dialled: ${show(handshake)}`;
        await orFinding(SEED, what, () => assert.equal(upstream.dials(), 0));
      }
    });
    const answers = await Promise.all(good.slice(0, BATCH).map((it) => shake(relay.address, it)));
    assert.ok(answers.includes(101) && upstream.dials() > 0, `good ones got ${answers}`);
    await assertNoBug(relay.output);
  });
});

const frames = `fuzz: ${COUNTS.wireFrames} frames over TCP`;
testOnNewest(`${frames} reach Realtime as judged, or not (seed ${SEED})`, async (host) => {
  const random = new Random(SEED);
  const begin = () => ({ arrived: [] as Data[], judged: Promise.withResolvers<void>() });
  let current = begin();
  const onSocket = (socket: WebSocket) => {
    const { arrived, judged } = current;
    socket.onmessage = ({ data }) => {
      if (String(data).includes('"fence"')) judged.resolve();
      else arrived.push(typeof data === "string" ? data : new Uint8Array(data));
    };
    socket.onclose = () => judged.resolve();
  };
  await withRelay(host, { env, onSocket }, async ({ relay, urlWith }) => {
    let arrivals = 0;
    await assertBounded(relay.pid, COUNTS.wireFrames, async () => {
      const vsn: Vsn = random.pick(["1.0.0", "2.0.0"]);
      const join = text(vsn, '"realtime:room:a"', '"phx_join"', '{"config":{}}');
      const made = Array.from({ length: BATCH }, () => makeFrame(random, vsn, frameTokens));
      // On the wire text is UTF-8, which has no lone surrogates.
      const sent = [join, ...made].map((it) => typeof it === "string" ? it.toWellFormed() : it);
      const { arrived, judged } = current = begin();
      await converse(urlWith(alice, vsn), vsn, sent, judged.promise, random);
      arrivals += arrived.length;
      const oracle = new FrameOracle(vsn, verified, ALICE);
      await orFinding(SEED, "frames of one socket", () => oracle.check(sent, arrived));
    });
    assert.ok(arrivals > COUNTS.wireFrames / 20, `only ${arrivals} arrived`);
    await assertNoBug(relay.output);
  });
});
