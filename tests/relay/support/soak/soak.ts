import assert from "node:assert/strict";
import { random } from "../../../support/hub/churn.ts";
import { FakeRealtime } from "../../../support/hub/fake_realtime.ts";
import { inTime } from "../../../support/in_time.ts";
import type { Host } from "../../../support/relay_host.ts";
import { type RelayOptions, type ServedRelay, withRelay } from "../../../support/served_relay.ts";
import { inSeconds, sign } from "../../../support/tokens.ts";
import { Chance } from "./chance.ts";
import { type Habitat, type Kind, live, pause } from "./life.ts";

export interface SoakPlan {
  /** How many are there at a time. */
  sockets: number;
  /** Of a life, in ms. */
  meanMs: number;
  /** Until the memory that is compared with begins, in ms; and from then on. */
  warmUpMs: number;
  ms: number;
  /** Between two looks at the memory. */
  lookMs: number;
  /** See Habitat. */
  leaveInDial: boolean;
  seed: number;
}

/** What a relay has in memory when its garbage is collected, in bytes. */
interface Memory {
  /** Of the process, without the room that V8 keeps for later, which grows as it likes. */
  resident: number;
  /** Of V8, and what its objects hold elsewhere. */
  heap: number;
  /** How many sockets it had then. */
  sockets: number;
}

export interface Soaked {
  /** How many lives there were of each kind. */
  lives: Partial<Record<Kind, number>>;
  /** What the first and the last half behind the warm-up come down to, with about as many sockets. */
  memory: [first: Memory, last: Memory];
}

const USERS = 300;

/** Thousands who leave at once take a while on a machine that is busy with more. */
const LEAVE_MS = 120_000;

/** What Realtime says, and when it fails. */
const EMIT_MS = 100;
const CUT_MS = 1_000;

/** Lets a crowd come and go; then all leave, and every place must be free. */
export async function soak(host: Host, plan: SoakPlan, options: RelayOptions): Promise<Soaked> {
  const realtime = new FakeRealtime();
  const chance = new Chance(random(plan.seed));
  const env = { RELAY_ANONYMOUS: "allow", RELAY_REFUSAL_DELAY_MS: "500", ...options.env };
  let soaked: Soaked | undefined;
  const told: Told = {};
  // Not by looking through all lines each time: a crowd's log is long.
  const onLine = (line: string) => {
    if (line.startsWith('{"event":"memory"')) told.usage?.(JSON.parse(line));
  };
  const given = { ...options, onSocket: realtime.onSocket, onLine, env };
  await withRelay(host, given, async (served) => {
    const end = new AbortController();
    const habitat: Habitat = {
      address: served.relay.address,
      tokens: await Promise.all(users().map((sub) => sign({ sub }))),
      expired: await sign({ exp: inSeconds(-60) }),
      ...{ chance, end: end.signal, meanMs: plan.meanMs, leaveInDial: plan.leaveInDial },
    };
    const lives: Soaked["lives"] = {};
    const crowd = Array.from({ length: plan.sockets }, () => dwell(habitat, lives));
    const gone = Promise.all([...crowd, stir(realtime, chance, end.signal)]);
    const watching = pause(plan.warmUpMs, end.signal).then(() => watchMemory(served, plan, told));
    try {
      // Whoever meets something unforeseen ends it at once.
      const memory = await Promise.race([watching, gone.then(() => watching)]);
      soaked = { lives, memory };
    } finally {
      end.abort();
      await inTime(gone, "all have left", LEAVE_MS);
    }
    await allIsFree(served);
  });
  return soaked!;
}

const users = () =>
  Array.from({ length: USERS }, (_, n) => `a11ce000-0000-4000-8000-${String(n).padStart(12, "0")}`);

/** One life after the other, not all at once at first. */
async function dwell(habitat: Habitat, lives: Soaked["lives"]): Promise<void> {
  const { chance, meanMs, end } = habitat;
  await pause(chance.below(meanMs), end);
  while (!end.aborted) {
    const kind = await live(habitat);
    lives[kind] = (lives[kind] ?? 0) + 1;
    await pause(chance.about(meanMs / 50), end);
  }
}

/** Realtime speaks on its channels, and loses a socket now and then. */
async function stir(realtime: FakeRealtime, chance: Chance, end: AbortSignal): Promise<void> {
  for (let ms = 0; !end.aborted; ms += EMIT_MS) {
    await pause(EMIT_MS, end);
    realtime.received.length = 0;
    const topic = `realtime:room-${chance.below(30)}`;
    const text = "x".repeat(chance.below(5_000));
    for (let left = chance.below(4); left > 0; left--) {
      realtime.emit(topic, "broadcast", { type: "broadcast", event: "x", payload: { text } });
    }
    if (ms % CUT_MS === 0) [...realtime.lines][chance.below(realtime.lines.size)]?.socket.end(1006);
  }
}

/** Who waits for the relay to tell its memory. */
interface Told {
  usage?(usage: Deno.MemoryUsage): void;
}

async function watchMemory(
  { relay }: ServedRelay,
  plan: SoakPlan,
  told: Told,
): Promise<Soaked["memory"]> {
  const { ms, lookMs } = plan;
  const seen: Memory[] = [];
  for (const until = performance.now() + ms; performance.now() < until;) {
    const { promise, resolve } = Promise.withResolvers<Deno.MemoryUsage>();
    told.usage = resolve;
    await relay.tell("");
    const { rss, heapTotal, heapUsed, external } = await inTime(promise, "the memory", LEAVE_MS);
    const resident = rss - (heapTotal - heapUsed);
    const { open: sockets } = (await healthOf(relay.address)).sockets;
    seen.push({ resident, heap: heapUsed + external, sockets });
    await pause(lookMs);
  }
  const half = Math.ceil(seen.length / 2);
  const usual = median(seen.map(({ sockets }) => sockets));
  return [leastAt(usual, seen.slice(0, half)), leastAt(usual, seen.slice(-half))];
}

/**
 * Of the half whose number of sockets is nearest to this one: a crowd is never quite the same. The least,
 * since messages that are under way take up to a tenth of the heap, and what is lost stays.
 */
function leastAt(usual: number, seen: Memory[]): Memory {
  const distance = ({ sockets }: Memory) => Math.abs(sockets - usual);
  const near = seen.toSorted((a, b) => distance(a) - distance(b)).slice(
    0,
    Math.ceil(seen.length / 2),
  );
  const least = (name: "resident" | "heap") => Math.min(...near.map((memory) => memory[name]));
  const sockets = median(near.map(({ sockets }) => sockets));
  return { resident: least("resident"), heap: least("heap"), sockets };
}

async function healthOf(address: string): Promise<Health> {
  return await (await fetch(`http://${address}/relay/health`)).json();
}

/** Everything is counted down to nothing, also what lingers for a moment. */
async function allIsFree({ relay }: ServedRelay): Promise<void> {
  const countsOf = ({ sockets: { most: _, served: __, ...stages }, hub }: Health) => ({
    ...stages,
    viewers: hub.viewers,
    groups: hub.groups,
    upstreams: hub.upstreams,
  });
  const isFree = (health: Health) => Object.values(countsOf(health)).every((count) => count === 0);
  let health = await healthOf(relay.address);
  const freed = (async () => {
    while (!isFree(health)) {
      await pause(100);
      health = await healthOf(relay.address);
    }
  })();
  await inTime(freed, "every place is free", LEAVE_MS).catch(() => {
    assert.deepEqual(countsOf(health), {}, "places that were not given back");
  });
  const { client, upstream, relay: byRelay } = health.closedBy;
  assert.equal(client + upstream + byRelay, health.sockets.served, "all that came have gone");
}

interface Health {
  sockets: Record<string, number>;
  hub: Record<string, number>;
  closedBy: Record<string, number>;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
