import { type Emission, type Gap, type Record as Told, ROW, type Stay } from "./ledger.ts";
import { CHANNELS, planOf } from "../script/script.ts";
import { nameOf } from "../there/line.ts";
import { sightOf } from "../there/presence.ts";
import type { World } from "../world.ts";

/** What brought on an open socket waits for longer than this waits too long, in ms. */
export const LIVE_WAIT_MS = 15_000;

/** The same of messages, of which 72 hours may be read. */
const MESSAGES_WAIT_MS = 35_000;

/** After the last fault everything is joined again, or told as refused for good, within this. */
export const HEAL_MS = 60_000;

/** The longest that nobody dials while a socket is wanted: 30 s of chance, 15 s of dialling. */
const DIAL_MS = 50_000;

/** A dial of 3 s at most, a proof and a token on a slow network. */
const WAKE_MS = 12_000;

/** It is asked every 5 s. */
const NEWER_MS = 15_000;

/** The back-off doubles from 1 s on, by chance; what hangs may be dropped where the page is back. */
const MOST_DIALS = 15;
const DIALS_MS = 15_000;

/** What is not the next user's business, and what is lost while nobody knows who is there. */
const SWITCH_BEFORE_MS = 120_000;
export const SWITCH_BEHIND_MS = 20_000;

export type InvariantName = keyof typeof INVARIANTS;

interface Invariant {
  sentence: string;
  /** Of one session: where two share the transport its status is that of one. */
  isAlone?: true;
  /** Looked at whenever something has happened. */
  always?(world: World): string | undefined;
  /** Looked at once, when the world is over. */
  atEnd?(world: World): string | undefined;
}

/** What the client promises. Those without a look are found out about where they are broken. */
export const INVARIANTS = {
  told: {
    sentence: "an event reaches the application, or a gap that covers it is told",
    atEnd: (world) =>
      each(
        world,
        (record) =>
          [...record.emissions.values()].find((emission) =>
            isOut(record, emission) && isOwed(world, record, emission) &&
            !isCovered(record, emission)
          ),
        "neither came nor lies in a gap that was told",
      ),
  },
  reads: {
    sentence: "what a catch-up can read comes, and no gap stands for it",
    atEnd: (world) =>
      world.isReadable
        ? world.isPrompt && unread(world) || each(
          world,
          (record) =>
            [...record.emissions.values()].find((emission) =>
              isOut(record, emission) && isOwed(world, record, emission) &&
              (emission.kind === "mirror" || emission.kind === "insert" ||
                emission.kind === "update" && world.setup.updates ||
                emission.kind === "stored" && isTimed(world, record, emission)) &&
              emission.isStored && isSince(record, emission) && !isUnread(world, record, emission)
            ),
          "can be read, and did not come",
        )
        : undefined,
  },
  moves: {
    sentence:
      "a first join and an announced end of a worker miss nothing, and tell of nothing missing",
    atEnd: (world) => world.isCalm ? unmoved(world) : undefined,
  },
  once: { sentence: "no event reaches the application twice, and nothing is sent twice" },
  patience: { sentence: "nobody is told of a join that is refused for the moment" },
  stays: { sentence: "a channel that is joined stays so unless Realtime refuses or ends it" },
  reasons: { sentence: "a join that Realtime has refused does not just time out" },
  order: {
    sentence: "what one writer wrote comes in its order, or lies in a gap that was told",
    atEnd: (world) =>
      each(world, (record) => late(record), "came late, behind newer ones of its writer"),
  },
  throws: { sentence: "nothing is thrown where nobody can catch it" },
  rests: { sentence: "the client comes to rest where nothing happens" },
  invented: { sentence: "what reaches the application was sent" },
  old: { sentence: "what happened long before the application came is not delivered as new" },
  live: {
    sentence: "the status is never `live` without an open socket",
    always: ({ transport, sockets }) =>
      transport.status.state === "live" && !sockets.some(({ isOpen }) => isOpen)
        ? "the status is live, and no socket is open"
        : undefined,
  },
  dials: {
    isAlone: true,
    sentence: "nobody dials without pause: a few times in the first seconds, then less and less",
    always: ({ dials }) => {
      const last = dials.slice(-MOST_DIALS);
      return last.length === MOST_DIALS && last.at(-1)! - last[0] < DIALS_MS
        ? `${MOST_DIALS} sockets were asked for within ${DIALS_MS / 1000} s`
        : undefined;
    },
  },
  wakes: {
    isAlone: true,
    sentence: "where the network or the page is back and all is well, a socket is soon live",
    always: (world) => {
      const { transport, time, wokenAt, wellSince, setup: { tokenLifeS } } = world;
      if (tokenLifeS < 3600 || isBeyondTime(world) || isStarved(world)) return;
      const { state, reason, since } = transport.status;
      const isDown = state === "connecting" || state === "reconnecting" || state === "offline";
      // Who was refused dials when there is a newer token, be it long after that.
      const from = Math.max(wokenAt, time.trueOf(since));
      const isLate = wokenAt >= wellSince && time.now - from > WAKE_MS;
      return isDown && isLate
        ? `the status is ${state} (${reason}), ${WAKE_MS / 1000} s after it was woken`
        : undefined;
    },
  },
  renews: {
    isAlone: true,
    sentence:
      "no socket ends with its token, or stays refused for it, where token() has a newer one",
    always: ({ transport: { status }, time, session: { mintedAt }, wellSince }) => {
      const isRefused = status.state === "refused" && status.code === 4401;
      const isNewer = mintedAt > time.trueOf(status.since);
      return isRefused && isNewer && time.now - Math.max(mintedAt, wellSince) > NEWER_MS
        ? `refused with ${status.reason} for ${NEWER_MS / 1000} s, and token() has a newer one`
        : undefined;
    },
  },
  channels: {
    isAlone: true,
    sentence: "the status of a channel is true: who is joined is, and all are in the end",
    always: (world) => untrueChannel(world),
    atEnd: (world) => untrueChannel(world, true),
  },
  status: {
    isAlone: true,
    sentence: "the status is what onstatus told last, and true of what is dialled",
    always: (world) => untrue(world),
  },
  words: {
    isAlone: true,
    sentence: "where token() does not answer the status says so",
    always: ({ transport, time, session: { open } }) => {
      const { state, reason = "" } = transport.status;
      const waits = [...open].some(({ at }) => time.now - Math.max(at, time.frozenUntil) > 20_000);
      const isOpen = state === "connecting" || state === "reconnecting" || state === "offline";
      return waits && isOpen && !/token/.test(reason)
        ? `token() has not answered for 20 s, and the status says ${state}: ${reason || "nothing"}`
        : undefined;
    },
  },
  waits: {
    // Either may have been brought what the other waits for.
    isAlone: true,
    sentence: `what an open socket brought waits for ${LIVE_WAIT_MS / 1000} s at most`,
    always: (world) => waiting(world),
  },
  pushes: {
    sentence: "what the application sends leaves, or is answered, soon after it can",
    atEnd: (world) => {
      const { application, time, transport, ledger } = world;
      if (transport.status.state !== "live" || isHidden(world)) return;
      for (const { id, channel, at, leftAt, answer } of application.sent.values()) {
        // Nothing of one user leaves with the next.
        if (ledger.switches.some((when) => when + SWITCH_BEHIND_MS >= at)) continue;
        const { stay } = ledger.record(planOf(channel).topic);
        const isHere = stay && stay.from <= at;
        if (leftAt === undefined && isHere && (answer === undefined || answer === "ok")) {
          return `${id} of ${channel} never left, ${time.now - at} ms after it was sent: ${answer}`;
        }
      }
    },
  },
  tokens: { sentence: "no token leaves but one that token() gave since the last sign-out" },
  tokenOnce: { sentence: "token() is not called while it has not answered" },
  users: { sentence: "nothing of one user reaches the next" },
  heals: {
    sentence: `within ${
      HEAL_MS / 1000
    } s of the last fault all is joined, or told as refused for good`,
    atEnd: (world) => unhealed(world),
  },
  presence: {
    sentence: "the presence state is whole, and the last track holds",
    atEnd: (world) => absent(world),
  },
} satisfies Record<string, Invariant>;

/** Looks at those of the table that can be looked at now. */
export function look(world: World, when: "always" | "atEnd"): void {
  noteDown(world);
  for (const name of NAMES) {
    const invariant: Invariant = INVARIANTS[name];
    if (invariant.isAlone && world.hasTwin) continue;
    const message = invariant[when]?.(world);
    if (message) world.ledger.breaks(name, message);
  }
}

const NAMES = Object.keys(INVARIANTS) as InvariantName[];

/** True where its transaction began after the application came: from then on it is read. */
const isSince = ({ stays }: Told, { startedAt, at }: Emission): boolean =>
  stays.some(({ from, to }) => from <= startedAt && startedAt < to && at < to);

/** A read that the page stood still over has run out of time; over a switch of users none is begun. */
const isUnread = ({ time, ledger }: World, { gaps }: Told, { at }: Emission): boolean =>
  gaps.some((gap) =>
    gap.from <= at && at <= gap.to &&
    (ledger.switches.some((when) => gap.from <= when && when <= gap.to) ||
      /^Reading it/.test(gap.reason ?? "") && time.frozenUntil > gap.at - LIVE_WAIT_MS)
  );

/**
 * A message that can be read in any case: the server's time was told since the application came, and
 * nothing was missed in that moment.
 */
const isTimed = (
  { ledger, setup, absences }: World,
  { stays, timedAt }: Told,
  { startedAt }: Emission,
): boolean =>
  setup.history && ledger.switches.length === 0 &&
  stays.some(({ from, to }) =>
    from <= startedAt && startedAt < to &&
    timedAt.some((time) =>
      from <= time && time < startedAt - TIMED_MS &&
      !absences.some((absence) => absence.from < time + TIMED_MS && time < absence.to)
    )
  );

/** An answer of REST is here by then. */
const TIMED_MS = 2_000;

/** Where REST answers, reading takes neither too long nor does it fail. */
function unread({ ledger }: World): string | undefined {
  for (const [topic, { gaps }] of ledger.records) {
    const gap = gaps.find(({ reason = "" }) => /^Reading it|^The catch-up/.test(reason));
    if (gap) return `${topic} was told at ${seconds(gap.at)} s: ${gap.reason}`;
  }
}

function each(
  { ledger }: World,
  find: (record: Told) => Emission | undefined,
  what: string,
): string | undefined {
  for (const [topic, record] of ledger.records) {
    const found = find(record);
    if (found) return `${found.id} of ${topic} at ${seconds(found.at)} s ${what}`;
  }
}

const seconds = (at: number) => ((at - Date.UTC(2026, 10, 28, 12)) / 1000).toFixed(3);

/**
 * True for what the application has not had. Of changes of a row that are read it has the last; those
 * of one transaction have one time, and who has had one of them may miss what came behind.
 */
function isOut(
  record: Told,
  { deliveredAt, broughtAt, kind, row, transaction }: Emission,
): boolean {
  if (deliveredAt !== undefined) return false;
  if (kind !== "update" || !record.heard.has(row!.n)) return true;
  const isPart = broughtAt === undefined &&
    record.delivered.some((each) => each.transaction === transaction && each.row!.n === row!.n);
  return !isPart && record.heard.get(row!.n)!.read < row!.rev;
}

/** True where the application was joined as far as it knew, and nobody else has been signed in since. */
function isOwed(world: World, record: Told, emission: Emission): boolean {
  const { ledger, lastSurelyAt } = world;
  const { at, kind, isGone } = emission;
  if (at > lastSurelyAt || isGone || isDownFor(world, at)) return false;
  const stay = record.stays.find(({ from, to }) => from <= at && at < to);
  if (!stay || stay.end === "closed") return false;
  // What was missed is brought back or told when the application has joined again.
  if (stay.end === "told" && !record.stay) return false;
  if (stay.end === "left" && stay.liveAt! - at < LIVE_WAIT_MS + HEAL_MS) return false;
  const isOthers = ledger.switches.some((when) =>
    Math.min(when, awaySince(world, when)) - SWITCH_BEFORE_MS < at && at < when + SWITCH_BEHIND_MS
  );
  // What whoever went may have is read as whoever is there.
  if (world.session.unsaid.some(({ from, to }) => from <= at && at < to)) return false;
  // Where a join takes longer than 15 s and is sent again, as docs/CLIENT.md says.
  if (isOthers || record.repeated.some(({ from, to }) => from <= at && at < to)) return false;
  if (isAside(emission)) return false;
  if (emission.isUntold && record.gaps.some(({ reason, to }) => reason && at <= to)) return false;
  // Before the server's time was told messages are nobody's to read: its gap covers them or nothing does.
  const isEarly = kind === "stored" && world.setup.history && !isTimed(world, record, emission);
  if (emission.isUntold && isEarly) return false;
  const isChange = kind === "insert" || kind === "update" || kind === "delete";
  const isDry = isChange && record.dry.some(({ from, to }) => from - HEAL_MS < at && at <= to);
  return !isDry;
}

/** A topic that mirrors a table brings the table back, and is not for what others say on it. */
const isAside = ({ kind, topic }: Emission): boolean =>
  kind === "peer" && topic === CHANNELS.mirror.topic;

/** Since when nobody was live at that time: what came since is not the next user's business either. */
const awaySince = ({ absences }: World, when: number): number =>
  absences.find(({ from, to }) => from <= when && when <= to + SWITCH_BEHIND_MS)?.from ?? Infinity;

/** True where the status itself says, up to now, that nothing comes: refused, or no token that counts. */
const isDownFor = (world: World, at: number): boolean =>
  isJustBack(world) && at > world.downSince - HEAL_MS;

/** What was missed while it was down may still be read. */
export const isJustBack = ({ time, downUntil }: World): boolean =>
  time.now - downUntil < LIVE_WAIT_MS;

/** True where the status may be that of a session which stands better than the other. */
const isHidden = ({ hasTwin, wasEverRefused, weather }: World): boolean =>
  hasTwin && (wasEverRefused || weather.now("token") !== undefined);

function noteDown(world: World): void {
  const { transport: { status: { state } }, weather, time } = world;
  const isTokenless = weather.now("token") || isBeyondTime(world);
  const absence = world.absences.at(-1);
  if (state === "live") {
    world.liveAt = time.now;
    if (absence) absence.to = Math.min(absence.to, time.now);
  } else if (absence?.to !== Infinity) world.absences.push({ from: time.now, to: Infinity });
  // Who is live for a while may not have joined all of what was missed.
  const isHealed = state === "live" && time.now - (absence?.to ?? 0) > HEAL_MS;
  if (isHealed && !isJustBack(world)) world.downSince = time.now;
  const isDown = isHidden(world) || state === "refused" ||
    (state === "reconnecting" && isTokenless);
  if (isDown) world.downUntil = time.now;
}

function isCovered({ gaps }: Told, { at, kind }: Emission): boolean {
  return gaps.some((gap) => gap.from <= at && at <= gap.to && covers(gap, kind));
}

/** As a gap tells the kinds of what may be missing. */
const KINDS: Record<Emission["kind"], string> = {
  ...{ insert: "INSERT", update: "UPDATE", delete: "DELETE" },
  ...{ mirror: "database", stored: "database", peer: "clients" },
};

/** The client of before told no kinds. */
function covers({ missing, kinds }: Gap, kind: Emission["kind"]): boolean {
  if (kinds) return kinds.includes(KINDS[kind]);
  if (missing === "updates") return kind === "update" || kind === "delete";
  if (missing === "unstored") return kind === "peer" || kind === "stored";
  return true;
}

/**
 * The first that came behind a newer one of its writer, but for those of one transaction. Changes of a
 * row have a `seq`.
 */
function late(record: Told): Emission | undefined {
  const last = new Map<string, Emission>();
  for (const emission of record.delivered) {
    if (emission.isLate) continue;
    if (!record.stays.some((stay) => isOf(stay, emission))) continue;
    const key = `${emission.kind} ${emission.writer}`;
    const before = last.get(key);
    const isBehind = before && before.place > emission.place &&
      (before.transaction !== emission.transaction || emission.writer.startsWith(ROW));
    if (isBehind && !isCovered(record, emission)) return emission;
    if (!before || before.place < emission.place) last.set(key, emission);
  }
}

/**
 * False for what was there before the application came, be it that it had come before and gone, or
 * while it was told that it is not joined.
 */
const isOf = ({ from, to, end }: Stay, { at, deliveredAt }: Emission): boolean =>
  from <= at && at < to && (end === undefined || end === "told" || deliveredAt! < to);

/** A subscription that takes longer is a fault of its own, and a gap. */
const SUBSCRIBED_MS = 3_000;

function unmoved(world: World): string | undefined {
  if (world.setup.subscribeMs > SUBSCRIBED_MS) return;
  for (const [topic, record] of world.ledger.records) {
    const [stay] = record.stays;
    if (!stay) continue;
    const lost = [...record.emissions.values()].find((emission) =>
      isOut(record, emission) && isOwed(world, record, emission)
    );
    if (lost) return `${lost.id} of ${topic} at ${seconds(lost.at)} s did not come over a move`;
    const [gap] = record.gaps;
    if (gap) return `a gap of ${topic} was told at ${seconds(gap.at)} s, and there was none`;
    if (stay.end === "told" || stay.end === "closed") {
      return `${topic} was told at ${seconds(stay.to)} s that it is not joined`;
    }
  }
}

/** As transport.status tells it, where the client knows of channels. */
interface ChannelStatus {
  channel: string;
  state: string;
  reason?: string;
}

function untrueChannel(world: World, isEnd = false): string | undefined {
  const { channels, state: way } = world.transport.status as {
    state: string;
    channels?: ChannelStatus[];
  };
  const { sockets, application, weather, absences, time } = world;
  for (const { channel, state, reason } of channels ?? []) {
    const topic = `realtime:${channel}`;
    const wasJoined = sockets.some(({ isOpen, line }) => isOpen && line.hadJoins.has(topic));
    if (state === "joined" && !wasJoined) {
      return `${channel} is joined by its status, and no open socket ever joined it`;
    }
    const name = nameOf(topic)!;
    if (isEnd && state === "joined" && !reason && isDry(world, channel)) {
      return `${channel} is joined by its status, and was told that its changes do not flow`;
    }
    // A token may end at that very moment.
    const isRead = time.now - (absences.at(-1)?.to ?? 0) > LIVE_WAIT_MS;
    const isWell = isEnd && way === "live" && !isJustBack(world) && isRead &&
      application.wanted.has(name) &&
      !weather.now("joins", name) &&
      !weather.now("subscriptions", name) && application.told.get(name)?.status === "SUBSCRIBED";
    if (isWell && state !== "joined") {
      return `${channel} is ${state} by its status (${reason}), and all is well`;
    }
  }
}

/** The application was told that no changes flow, and nothing else since. */
const isDry = ({ ledger }: World, topic: string): boolean =>
  ledger.record(topic).stay !== undefined && ledger.record(topic).dry.at(-1)?.to === Infinity;

function untrue(world: World): string | undefined {
  const { transport: { status }, told, sockets, time, session } = world;
  const { state } = status;
  if (told && told !== state) return `the status is ${state}, and onstatus told ${told} last`;
  const isIdle = (state === "reconnecting" || state === "connecting") && session.open.size === 0 &&
    !sockets.some(({ readyState }) => readyState < 2);
  if (!isIdle) world.idleSince = undefined;
  else world.idleSince ??= time.now;
  const since = Math.max(world.idleSince!, session.lastAskedAt, time.frozenUntil);
  if (isIdle && time.now - since > DIAL_MS) {
    return `the status is ${state}, and nothing was dialled for ${DIAL_MS / 1000} s`;
  }
}

function waiting(world: World): string | undefined {
  const { time, ledger } = world;
  // There no word comes of what is subscribed, while joins are refused one after the other.
  if (time.now < world.nextWaitLook || isStarved(world)) return;
  world.nextWaitLook = time.now + 1_000;
  for (const [topic, record] of ledger.records) {
    const { stay } = record;
    if (!stay) continue;
    for (const emission of record.emissions.values()) {
      const { id, at, broughtAt, broughtBy } = emission;
      if (broughtAt === undefined || !broughtBy!.isOpen || !isOut(record, emission)) continue;
      const since = Math.max(broughtAt, time.frozenUntil);
      if (at < stay.from || time.now - since <= waitOf(world, topic)) continue;
      if (!isOwed(world, record, emission) || isCovered(record, emission)) continue;
      return `${id} of ${topic} waits since ${seconds(broughtAt)} s, and its socket is open`;
    }
  }
}

/** How long what came on a topic may wait. */
const waitOf = ({ setup }: World, topic: string): number =>
  setup.history && topic === CHANNELS.mail.topic ? MESSAGES_WAIT_MS : LIVE_WAIT_MS;

/** True where the clocks are so far apart that a token may be over before anybody renews it. */
function isBeyondTime({ session, setup, time }: World): boolean {
  const { relaySkewMs, databaseSkewMs, tokenLifeS } = setup;
  const lateBy = Math.max(relaySkewMs, databaseSkewMs) - Math.min(databaseSkewMs, time.skew);
  return session.user !== null && lateBy > Math.min(60_000, tokenLifeS * 1000 - 60_000);
}

/** True where Realtime itself is dialled and takes 5 s to refuse a join, in which it answers nothing. */
export const isStarved = ({ setup, session, application: { wanted } }: World): boolean =>
  setup.relay === "direct" && session.known === null &&
  [...wanted].some((name) => planOf(name).private);

/** Each channel was sent a last event: it came, or the channel was told that it is refused. */
function unhealed({ application, probes, transport, weather, ledger }: World): string | undefined {
  const { state } = transport.status;
  if (state === "refused" || (state !== "live" && weather.now("token"))) return;
  if (
    isHidden(application.world) || application.world.wasRefused || isBeyondTime(application.world)
  ) return;
  const { user, known } = application.world.session;
  const isNobody = known === null || user === null ||
    weather.now("token")?.answer === "null";
  for (const name of application.wanted) {
    const { topic } = planOf(name);
    const record = ledger.record(topic);
    const told = application.told.get(name);
    const isTold = told !== undefined && told.status !== "SUBSCRIBED";
    const isRefused = weather.now("joins", name)?.answer === "forbidden" ||
      (planOf(name).private && isNobody);
    if (isTold && isRefused) continue;
    if (isTold) return `${name} was told ${told.status} (${told.message}), and could be joined`;
    const isDry = record.dry.at(-1)?.to === Infinity;
    for (const id of probes.get(topic) ?? []) {
      const emission = record.emissions.get(id);
      if (!emission || emission.deliveredAt !== undefined) continue;
      // A token may end at that very moment: then the gap is told, and the channel joined again.
      const isSaid = isCovered(record, emission) || isAside(emission);
      if (isSaid && application.world.realtime.joinOf(topic)) continue;
      if (isDry && id.startsWith("i")) continue;
      // Joins wait for one another there, until realtime-js gives them up and begins anew.
      if (isStarved(application.world) && record.stay && record.stay.from > emission.at) continue;
      return `${name} is not joined: ${id}, the last of all, did not come; the status is ${state}`;
    }
  }
}

function absent({ application, realtime, weather }: World): string | undefined {
  const channel = application.channels.get("lobby");
  const join = realtime.joinOf("lobby");
  if (!channel || application.told.get("lobby")?.status !== "SUBSCRIBED" || !join) return;
  if (weather.now("joins", "lobby")) return;
  const state = Object.entries(channel.presenceState<{ mood?: unknown }>());
  const here = sightOf(state.flatMap(([key, all]) => all.map(({ mood }) => [key, mood] as const)));
  const wanted = realtime.presence.sight;
  if (here !== wanted) {
    return `the application sees [${here}] in the lobby, and [${wanted}] is there`;
  }
  // While it is in doubt who is signed in a track may be taken for that of whoever went.
  if (application.isTrackDoubtful) return;
  const [track, known] = [application.track, join.track].map((value) => JSON.stringify(value));
  if (track !== known) return `the last track is ${track}, and Realtime has ${known}`;
}
