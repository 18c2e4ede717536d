import assert from "node:assert/strict";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { type RelayTransport, relayTransport } from "../../../client/mod.ts";
import { inTime } from "../../support/in_time.ts";
import { LONG } from "../../support/long.ts";
import { PUBLISHABLE_KEY } from "../../support/tokens.ts";
import type { Realtime } from "./support/realtime.ts";
import { withScriptedRelays } from "./support/two_relays.ts";

const TOO_MANY = "ClientJoinRateLimitReached: Too many joins per second";
/** Messages come so often: a crowd's are as many a second as its viewers. */
const TICK_MS = LONG ? 1_000 : 200;

/** Somebody on one channel: what came there, and what was told of it. */
class Viewer {
  readonly heard: number[] = [];
  readonly told: string[] = [];
  readonly gaps: string[] = [];
  readonly supabase: SupabaseClient;
  readonly ready: Promise<void>;
  readonly transport: RelayTransport;

  /** `chance`: of the time that chance may make it wait, the part that it waits at most. */
  constructor(relay: string, chance: number) {
    const host = { random: () => chance * Math.random() };
    const transport = relayTransport({ relay, token: () => null, host });
    this.transport = transport;
    this.supabase = createClient("https://abc.supabase.co", PUBLISHABLE_KEY, {
      realtime: { transport },
      auth: { persistSession: false, autoRefreshToken: false },
    });
    const subscribed = Promise.withResolvers<void>();
    this.supabase.channel("room")
      .on("broadcast", { event: "e" }, ({ payload }) => this.heard.push(payload))
      .on("system", {}, ({ status }) => void this.gaps.push(status))
      .subscribe((status) => {
        this.told.push(status);
        if (status === "SUBSCRIBED") subscribed.resolve();
      });
    this.ready = subscribed.promise;
  }
}

/** Says 0, 1, 2 … to the room until it is stopped. Returns how many it has said. */
function talk(realtime: Realtime): () => number {
  let said = 0;
  const timer = setInterval(() => realtime.say("realtime:room", said++), TICK_MS);
  return () => {
    clearInterval(timer);
    return said;
  };
}

async function hearAgain(viewers: Viewer[], realtime: Realtime): Promise<void> {
  while (!viewers.every(({ heard }) => heard.includes(-1))) {
    realtime.say("realtime:room", -1);
    await new Promise((go) => setTimeout(go, TICK_MS));
  }
}

async function handedOver(
  count: number,
  drainMs: number,
  limit: (realtime: Realtime) => void,
  chance = 1,
): Promise<Viewer[]> {
  const env = {
    ...{ RELAY_DRAIN_MS: String(drainMs), RELAY_HANDSHAKES_PER_MINUTE: "100000" },
    // Else the relay would join for all of them, and wait by itself.
    RELAY_SHARE: "off",
  };
  const viewers: Viewer[] = [];
  await withScriptedRelays(async ({ relay, handOver }, realtime) => {
    for (let i = 0; i < count; i++) viewers.push(new Viewer(relay, chance));
    await inTime(Promise.all(viewers.map(({ ready }) => ready)), "all have joined", 60_000);
    const stop = talk(realtime);
    limit(realtime);
    await handOver();
    await inTime(hearAgain(viewers, realtime), "all hear again", 60_000).catch((error) => {
      const deaf = viewers.filter(({ heard }) => !heard.includes(-1));
      throw new Error(
        `${deaf.length} of ${count}: ${
          JSON.stringify(deaf.slice(0, 5).map(({ transport, told }) => [transport.status, told]))
        }`,
        { cause: error },
      );
    });
    stop();
    viewers.forEach(assertWhole);
    await Promise.all(viewers.map(({ supabase }) => supabase.realtime.disconnect()));
  }, env);
  return viewers;
}

/** All that was said, once and in order, but for what lies where a gap was told. */
function assertWhole({ heard, told, gaps }: Viewer): void {
  assert.deepEqual(told, ["SUBSCRIBED"]);
  const said = heard.filter((number) => number >= 0);
  assert.deepEqual(said, said.toSorted((a, b) => a - b), "in order");
  assert.equal(new Set(said).size, said.length, "once");
  const jumps = said.filter((number, i) => i > 0 && number !== said[i - 1] + 1).length;
  assert.ok(jumps <= gaps.length, `${jumps} losses, ${gaps.length} gaps told`);
}

Deno.test("a handover while the tenant's join rate is used up for five seconds loses nothing", async () => {
  // Old sockets are closed from a third of the drain on: all have joined by then.
  const viewers = await handedOver(3, 60_000, (realtime) => {
    const until = Date.now() + 5_000;
    realtime.judge = () => Date.now() < until ? TOO_MANY : undefined;
  }, 1 / 4);
  for (const viewer of viewers) {
    assert.deepEqual(viewer.gaps, []);
  }
});

Deno.test("where it is used up for longer than the old relay lives, the gap is told", async () => {
  const viewers = await handedOver(3, 3_000, (realtime) => {
    const until = Date.now() + 6_000;
    realtime.judge = () => Date.now() < until ? TOO_MANY : undefined;
  });
  for (const viewer of viewers) {
    assert.equal(viewer.gaps.length, 1);
  }
});

/** In the short form as many seconds are needed, of fewer. */
const [CROWD, JOINS_PER_SECOND] = LONG ? [900, 100] : [40, 10];

Deno.test(`${CROWD} channels at ${JOINS_PER_SECOND} joins a second are all joined after one drain`, async () => {
  const started = Date.now();
  await handedOver(CROWD, 10_000, (realtime) => {
    let [second, joins] = [0, 0];
    realtime.judge = () => {
      const now = Math.floor(Date.now() / 1_000);
      if (now !== second) [second, joins] = [now, 0];
      return ++joins > JOINS_PER_SECOND ? TOO_MANY : undefined;
    };
  });
  console.log(`${CROWD} viewers: ${Date.now() - started} ms in all`);
});
