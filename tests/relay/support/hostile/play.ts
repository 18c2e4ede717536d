import { PUBLISHABLE_KEY } from "../../../support/tokens.ts";
import type { Invariant, Violation } from "./invariants.ts";
import { print } from "./oracle/life.ts";
import type { Scenario } from "./script/arbitrary.ts";
import { perform } from "./script/perform.ts";
import { BAD_TOKENS } from "./world/people.ts";
import { ROOMY } from "./world/settings.ts";
import { World } from "./world/world.ts";

/** Lost sockets are back, late answers there, and heartbeats that will not be answered given up. */
const CALM_MS = 90_000;

/** A client that never opens its socket has been given up by then: a dial, a refusal's delay and its grace. */
const NEVER_MS = 35_000;

/** Longer than any wait that the relay has after a socket's end. */
const END_MS = 130_000;

/** What a world came to. */
export interface Outcome {
  /** The first sentence that was broken. */
  violation: Violation | undefined;
  seen: World["seen"];
}

/** Plays a world to its end, or until a sentence is broken that is not ignored. */
export async function play(
  { settings, script }: Scenario,
  ignored: ReadonlySet<Invariant> = new Set(),
): Promise<Outcome> {
  using world = new World(settings, ignored);
  await run(world, script);
  const { violation, seen } = world;
  return { violation, seen };
}

async function run(world: World, script: Scenario["script"]): Promise<void> {
  for (const command of script) {
    await perform(world, command);
    if (command.do === "pass") await look(world);
    if (world.violation) return;
  }
  for (const act of [calm, look, complete, end, over, again]) {
    await act(world);
    if (world.violation) return;
  }
}

/** What is to be true at any time. */
async function look(world: World): Promise<void> {
  if (world.time.untilThaw > 0) return;
  world.look(() => world.judge.now());
  const upgraded = world.parties.filter(({ isUpgraded }) => isUpgraded);
  const open = upgraded.filter(({ end }) => end.readyState !== 3);
  const named =
    open.filter(({ waits, client, isAdmitted, refusal }) =>
      waits && client.who.isUser && !isAdmitted && !refusal
    ).length;
  // Who is named is counted, once that is verified, among those that Realtime is dialled for.
  const there = open.length - named;
  // Nobody tells of a client that left before its socket opened: that takes a wait.
  const gone =
    upgraded.filter(({ end, openedAt }) =>
      end.readyState === 3 && openedAt === Infinity && world.time.awakeFor(NEVER_MS) < end.closedAt!
    ).length;
  const { sockets, hub: { viewers } } = await world.health();
  if (viewers > 0 && world.settings.anonymous !== "allow") {
    world.broken("waiting", `${viewers} viewers, where nobody is let in as one`);
  }
  const counted = sockets.open + sockets.closing + sockets.waiting + sockets.refused;
  if (counted >= there && counted <= there + named + gone) return;
  world.broken("health", `${there} sockets are there, and ${counted} counted`);
}

/** Whatever is wrong is over. */
async function calm(world: World): Promise<void> {
  world.realtime.become({ dial: "ok", lateMs: 0, pool: 0 });
  world.realtime.trouble(0, (line) => line.stall(false));
  await world.time.pass(world.time.untilThaw);
  await world.time.pass(CALM_MS);
}

/** Everybody has what is theirs. */
function complete(world: World): void {
  for (const { client, isOpen, reads, options } of world.parties) {
    if (!isOpen || !reads) continue;
    // Each join that Realtime has no room for keeps its socket waiting, for longer than it was calm.
    const { maxChannels } = world.settings;
    if (maxChannels < ROOMY.maxChannels && client.joins > maxChannels) continue;
    for (const life of [...client.lives.values()].flat()) {
      if (life.state === "asked" && !life.isEnding) {
        world.broken("pushes", `${life} was never answered`);
      }
      const missing = life.missing();
      if (missing) world.broken("frames", `${life} was never given ${print(missing)}`);
    }
    for (const { n, head, life } of client.held.values()) {
      if (life?.state !== "joined" || life.isEnding) continue;
      world.broken(
        "pushes",
        `broadcast ${n} of client ${options.index} on ${head.topic} went nowhere`,
      );
    }
  }
}

/** Everybody leaves. */
async function end(world: World): Promise<void> {
  for (const party of world.parties) {
    if (party.end.readyState !== 3) party.end.end(party.isMute ? 1006 : 1001);
  }
  await world.time.pass(END_MS);
}

/** Nothing is left. */
async function over(world: World): Promise<void> {
  const { time, kept, settled, realtime } = world;
  if (time.pending > 0) world.broken("promises", `${time.pending} timers are left`);
  if (kept !== settled) {
    world.broken("promises", `${kept - settled} of ${kept} promises are pending`);
  }
  const left = realtime.dialled.filter(({ end }) => end.readyState !== 3).length;
  if (left > 0) world.broken("places", `${left} sockets to Realtime are left`);
  const { sockets, hub } = await world.health();
  const { most: _, served: __, ...counts } = sockets;
  const { viewers, groups, upstreams } = hub;
  for (const [name, count] of Object.entries({ ...counts, viewers, groups, upstreams })) {
    if (count > 0) world.broken("health", `${count} ${name} are counted, and nobody is there`);
  }
}

/** Whoever comes next finds a place. */
async function again(world: World): Promise<void> {
  const begun = world.refusals.length;
  const options = {
    vsn: "2.0.0" as const,
    pace: Infinity,
    isMute: false,
    offersNotices: false,
    beats: false,
    from: 0,
  };
  const viewer = await world.open({ ...options, credential: PUBLISHABLE_KEY });
  await world.time.pass(6_000);
  const refusal = world.refusals.slice(begun).find((code) => code.startsWith("too_many"));
  // Where no refusal has a place, whatever is refused is told that.
  const isFull = refusal !== "too_many_refusals" || world.settings.refusalMax > 0;
  if (refusal && isFull) {
    world.broken("places", `a newcomer is told ${refusal}, and nobody is there`);
  }
  viewer.end.end(1001);
  const refused = await world.open({ ...options, credential: BAD_TOKENS.forged });
  await world.time.pass(world.settings.verifyMs);
  const isHeld = refused.isUpgraded || world.settings.refusalMax === 0;
  if (!isHeld) world.broken("places", "no refusal has a place, and nobody is there");
  refused.end.end(1006);
  await world.time.pass(END_MS);
}
