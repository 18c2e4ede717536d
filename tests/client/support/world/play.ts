import { withoutDom } from "./here/engine.ts";
import { HEAL_MS, type InvariantName, isJustBack, look } from "./judge/invariants.ts";
import {
  type ChannelName,
  type Evil,
  planOf,
  type Script,
  type Setup,
  type Step,
} from "./script/script.ts";
import { type Client, World } from "./world.ts";

export interface Outcome {
  broken?: { name: InvariantName; message: string };
  events: number;
  faults: number;
  log?: string[];
}

/** The last events of all have this long to arrive. */
const PROBE_MS = 25_000;

/** Plays a world to its end, or to the first promise that is broken. */
export async function play(
  client: Client,
  { setup, steps }: Script,
  { ignored = new Set<InvariantName>(), isLogged = false } = {},
): Promise<Outcome> {
  const before = Deno.env.get("TZ");
  if (setup.zone) Deno.env.set("TZ", setup.zone);
  let world: World | undefined;
  let giveBack = () => {};
  try {
    world = new World(client, setup, ignored);
    world.isCalm = isCalm(world.setup, steps);
    world.isTimely = isTimely(world.setup, steps);
    world.isPrompt = world.isTimely && !steps.some((step) => step.do === "joins");
    world.isReadable = isReadable(world.setup, steps);
    world.isSteady = isSteady(world.setup, steps);
    if (isLogged) world.ledger.log = [];
    world.time.begin();
    if (world.setup.engine === "native") giveBack = withoutDom();
    await run(world, steps);
  } finally {
    giveBack();
    world?.time.end();
    if (setup.zone) before === undefined ? Deno.env.delete("TZ") : Deno.env.set("TZ", before);
  }
  const { broken, events, faults, log } = world.ledger;
  return { broken, events, faults, log };
}

const CALM = new Set<Step["do"]>([
  ...["join", "insert", "update", "remove", "reinsert", "store", "peer", "peerTrack"] as const,
  ...["flurry", "send", "track", "nothing"] as const,
]);

/** A move takes its deadline; the next may begin so much later, in ms. */
const BETWEEN_MOVES_MS = 20_000;

function isCalm(setup: Setup, steps: Step[]): boolean {
  const { relay, latencyMs, tokenLifeS, subscribeMs } = setup;
  const lasts = steps.reduce((sum, { after }) => sum + after, 0);
  if (relay === "direct" || lasts > tokenLifeS * 900 || tokenLifeS < 3600) return false;
  // From the latest that a client may begin to move to the earliest that it is closed.
  const moving = 8 * latencyMs + subscribeMs + 200;
  let left = 5_000;
  return steps.every((step) => {
    left -= step.after;
    if (step.do !== "drain") return CALM.has(step.do);
    if (left > 0 || step.deadlineMs * (1 / 3 - 0.2) < moving) return false;
    left = step.deadlineMs + BETWEEN_MOVES_MS;
    return true;
  });
}

const areClocksRight = ({ clientSkewMs, databaseSkewMs, relaySkewMs }: Setup, steps: Step[]) =>
  clientSkewMs === 0 && databaseSkewMs === 0 && relaySkewMs === 0 &&
  !steps.some((step) => step.do === "clock");

const isReadable = (setup: Setup, steps: Step[]): boolean =>
  areClocksRight(setup, steps) && !setup.zone &&
  !steps.some((step) =>
    step.do === "rest" || step.do === "token" ||
    (step.do === "subscriptions" && step.ms === 0)
  );

const ENDING = new Set<Step["do"]>([
  ...["endChannel", "token", "signIn", "signOut", "closeUnauthorized", "freeze"] as const,
]);

const isSteady = (setup: Setup, steps: Step[]): boolean =>
  areClocksRight(setup, steps) && setup.relay !== "direct" && setup.tokenLifeS >= 3600 &&
  !steps.some((step) =>
    ENDING.has(step.do) || (step.do === "joins" && step.answer === "forbidden") ||
    (step.do === "dial" && (step.answer === "throws" || step.answer === 4401))
  );

const UNTIMELY = new Set<Step["do"]>([
  "token",
  "silence",
  "freeze",
  "latency",
  "signIn",
  "signOut",
  "halfOpen",
]);

const isTimely = (setup: Setup, steps: Step[]): boolean =>
  areClocksRight(setup, steps) &&
  !steps.some((step) => UNTIMELY.has(step.do) || step.do === "offline");

async function run(world: World, steps: Step[]): Promise<void> {
  const { time, setup, application, weather } = world;
  const pass = (ms: number) => time.until(time.now + ms, () => lookAt(world));
  for (const name of setup.channels) application.join(name);
  for (const step of steps) {
    if (!await pass(step.after)) return;
    world.ledger.note(`## ${JSON.stringify(step)}`);
    take(world, step);
  }
  if (!await pass(100)) return;
  weather.clear();
  world.wellSince = weather.isClear ? Math.max(time.now, world.drainedAt) : Infinity;
  world.ledger.note("## faults end");
  if (!weather.now("token")) world.session.release();
  if (!await pass(HEAL_MS)) return;
  world.wasRefused = world.transport.status.state === "refused" || isJustBack(world);
  probe(world);
  if (!await pass(PROBE_MS)) return;
  world.lastSurelyAt = time.now - PROBE_MS;
  look(world, "atEnd");
}

function lookAt(world: World): boolean {
  look(world, "always");
  return world.ledger.broken === undefined;
}

/** A last event for each channel. */
function probe(world: World): void {
  const { application, realtime, probes } = world;
  const note = (before: Map<string, number>) => {
    for (const name of application.wanted) {
      const { topic } = planOf(name);
      const ids = [...realtime.world.ledger.record(topic).emissions.keys()];
      probes.set(topic, [...probes.get(topic) ?? [], ...ids.slice(before.get(topic))]);
    }
  };
  const counts = new Map(
    [...application.wanted].map((name) => {
      const { topic } = planOf(name);
      return [topic, realtime.world.ledger.record(topic).emissions.size];
    }),
  );
  flurry(world);
  note(counts);
}

/** Something of each kind. */
function flurry(world: World): void {
  const { application, database } = world;
  database.insert("orders", "a", 1);
  database.insert("notes", "a", 1);
  database.store("mail", 1);
  for (const name of application.wanted) {
    if (planOf(name).broadcast) sayAsPeer(world, name, "none");
  }
}

function sayAsPeer(world: World, channel: ChannelName, evil: Evil): void {
  const n = world.database.next();
  const there = world.time.now + world.setup.databaseSkewMs;
  const iso = (ms: number) => new Date(ms).toISOString();
  const times = (ms: number) => ({
    ...{ sent_at: iso(there + ms), inserted_at: iso(there + ms), created_at: iso(there + ms) },
    ...{ commit_timestamp: iso(there + ms), placed_at: iso(there + ms) },
  });
  const bodies: Record<Evil, Record<string, unknown>> = {
    none: { n },
    future: { n, ...times(120_000) },
    past: { n, ...times(-86_400_000) },
    junk: {
      n,
      sent_at: "tomorrow",
      created_at: 7,
      id: { id: [null] },
      meta: { id: "x", replayed: true },
      key: "__proto__",
    },
    row: { n, id: 900_000 + n, ...times(3_600_000) },
  };
  const event = evil === "row" && channel === "mirror" ? "order" : "shout";
  const id = event === "order" ? `m${n}` : `p${n}`;
  world.realtime.peer(channel, event, bodies[evil], id, n);
}

function wake(world: World, why: "online" | "visible"): void {
  world.wokenAt = world.time.now;
  world.wake(why);
}

const FAULTS = new Set<Step["do"]>([
  ...[
    "drain",
    "kill",
    "halfOpen",
    "silence",
    "freeze",
    "clock",
    "offline",
    "dial",
    "latency",
    "joins",
  ] as const,
  ...["subscriptions", "resubscribe", "endChannel", "relayGap", "rest", "token"] as const,
  ...["signIn", "signOut", "closeUnauthorized"] as const,
]);

/** What only a page does that runs. */
const PAGES = new Set<Step["do"]>([
  ...["join", "leave", "send", "track", "untrack", "disconnect", "wake", "retry", "twin"] as const,
  ...["signIn", "signOut"] as const,
]);

function take(world: World, step: Step): void {
  const { database, realtime, weather, session, application, time, ledger } = world;
  if (PAGES.has(step.do) && time.now < time.frozenUntil) {
    return void time.later(0, () => take(world, step), "arrival");
  }
  if (FAULTS.has(step.do)) {
    ledger.faults++;
    // A clock that stays as it is set is no fault that holds.
    const forEver = step.do === "clock" ? 1 : Infinity;
    const until = time.now + ("ms" in step ? step.ms || forEver : 1);
    if (step.do === "drain") world.drainedAt = time.now + step.deadlineMs + 1_000;
    world.wellSince = Math.max(world.wellSince, world.drainedAt, until);
  }
  switch (step.do) {
    case "insert":
      return database.insert(step.table, step.slug ?? "a", step.count ?? 1, step.startedAgoMs);
    case "update":
      return database.update(step.table, step);
    case "remove":
      return void database.remove(step.table);
    case "reinsert":
      return database.reinsert(step.table);
    case "store":
      return database.store("mail", step.count ?? 1, step.startedAgoMs, step.row);
    case "peer":
      return sayAsPeer(world, step.channel, step.evil ?? "none");
    case "flurry":
      return flurry(world);
    case "peerTrack":
      return realtime.presence.peer(step.key, step.here);
    case "drain":
      realtime.worker++;
      for (const line of realtime.lines) line.drain(step.deadlineMs);
      return;
    case "kill":
      for (const line of realtime.lines) line.end(step.code ?? 1006, "");
      return;
    case "halfOpen":
      for (const line of realtime.lines) line.die();
      return;
    case "silence":
      for (const line of [...realtime.lines].slice(step.newest ? -1 : 0)) {
        line.stalledUntil = time.now + step.ms;
      }
      return;
    case "freeze":
      return void (time.frozenUntil = Math.max(time.frozenUntil, time.now + step.ms));
    case "clock":
      time.setClock(step.byMs);
      return step.ms === undefined
        ? undefined
        : void time.later(step.ms, () => time.setClock(-step.byMs));
    case "offline":
      weather.set("offline", { is: true }, step.ms);
      for (const line of realtime.lines) line.die();
      return void time.later(step.ms, () => wake(world, "online"), "arrival");
    case "dial":
      return weather.set("dial", step, step.ms);
    case "latency":
      return weather.set("latency", step, step.ms);
    case "joins":
      return weather.set("joins", step, step.ms);
    case "subscriptions":
      return weather.set("subscriptions", step, step.ms);
    case "resubscribe":
      return realtime.resubscribe();
    case "endChannel":
      return realtime.endChannel(step.channel, step.event);
    case "relayGap":
      return realtime.relayGap(step.channel, step.ms ?? 1_500);
    case "rest":
      return weather.set("rest", step, step.ms);
    case "token":
      weather.set("token", step, step.ms);
      if (step.ms > 0 && step.answer === "hangs") time.later(step.ms, () => session.release());
      return;
    case "signIn":
      session.signIn(step.user);
      return application.signed();
    case "signOut":
      session.signIn(null);
      return application.signed();
    case "closeUnauthorized":
      for (const line of realtime.lines) {
        if (line.user === null) line.end(1006, "");
        else line.end(4401, "token_expired: Refresh the session, then connect with the new token.");
      }
      return;
    case "join":
      return application.join(step.channel);
    case "leave":
      return application.leave(step.channel);
    case "send":
      return application.send(step.channel);
    case "track":
    case "untrack":
      return application.doTrack(step.do === "track");
    case "disconnect":
      world.wokenAt = -Infinity;
      return application.disconnect();
    case "wake":
      return wake(world, "visible");
    case "retry":
      return world.transport.retry();
    case "twin":
      return application.twin.turn();
  }
}
