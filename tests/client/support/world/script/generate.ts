import fc from "fast-check";
import {
  type ChannelName,
  CHANNELS,
  type DialAnswer,
  type Evil,
  type JoinAnswer,
  type RestAnswer,
  type Script,
  type Setup,
  type Step,
} from "./script.ts";

const of = fc.constantFrom;

/** Between two steps: together, within one frame's way, within a handover, within a back-off. */
const after = fc.oneof(
  { weight: 3, arbitrary: of(0, 30, 150, 500, 1_200, 3_000) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 20_000 }) },
);

/** How long a fault holds. */
const ms = of(300, 1_500, 4_000, 12_000, 25_000, 45_000);

/** As `ms`, or for good. */
const msOrEver = fc.oneof({ weight: 4, arbitrary: ms }, { weight: 1, arbitrary: fc.constant(0) });

const table = of<"orders" | "notes">("orders", "notes");
const channel = of(...Object.keys(CHANNELS) as ChannelName[]);
const talking = of<ChannelName>("room", "asked", "mail", "mirror", "mixed", "lobby");
const evil = of<Evil>("none", "none", "none", "future", "past", "junk", "row");
const user = of("ann", "bob");
const joinAnswer = of<JoinAnswer>("late", "rate", "rateOnly", "pool", "never", "twice");
const restAnswer = of<RestAnswer>("unreachable", "hangs", "late", "slow", 401, 404, 406, 500, 503);

/** One step: `parts` are its arbitraries but for `after`. */
function step<T extends Record<string, fc.Arbitrary<unknown>>>(
  name: Step["do"],
  parts: T = {} as T,
  wait: fc.Arbitrary<number> = after,
): fc.Arbitrary<Step> {
  return fc.record({ after: wait, do: fc.constant(name), ...parts }) as fc.Arbitrary<Step>;
}

const insert = step("insert", {
  table,
  slug: of("a", "a", "b"),
  count: of(1, 1, 1, 3),
  startedAgoMs: of(0, 0, 0, 5_000, 20_000),
});
const store = step("store", {
  count: of(1, 1, 1, 2, 4, 30),
  startedAgoMs: of(0, 0, 0, 5_000, 14_000),
  row: of(undefined, 1, 1, 2),
});
const peer = step("peer", { channel: talking, evil });
/** A row changes, again and again; the transaction of a later change may have begun before. */
const rowChange = step("store", {
  row: fc.constant(1),
  count: of(1, 1, 2),
  startedAgoMs: of(0, 0, 1_000, 4_000, 14_000),
}, of(50, 500, 3_000));

const changed = {
  count: of(1, 1, 1, 2),
  back: of(0, 0, 1, 2),
  startedAgoMs: of(0, 0, 0, 5_000, 14_000),
};
const update = step("update", { table, ...changed });

/** Something happens that the application is to hear of. */
const event = fc.oneof(
  { weight: 5, arbitrary: insert },
  { weight: 3, arbitrary: peer },
  { weight: 2, arbitrary: store },
  { weight: 1, arbitrary: update },
  { weight: 1, arbitrary: step("remove", { table }) },
  { weight: 1, arbitrary: step("reinsert", { table }) },
  { weight: 1, arbitrary: step("peerTrack", { key: of("x", "y"), here: fc.boolean() }) },
  { weight: 2, arbitrary: step("flurry") },
);

/** Somebody sets the machine's clock, or it was wrong for a while. */
const clock = step("clock", {
  byMs: of(5_000, -5_000, 90_000, -90_000, 3_600_000, -3_600_000),
  ms: of(undefined, undefined, 1_500, 12_000),
});

/** What goes wrong shows by what comes while it does. */
const flurry = step("flurry", {}, of(0, 30, 150, 500, 1_200, 3_000, 8_000));

/** The socket goes, in one of its ways. */
const loss = fc.oneof(
  { weight: 3, arbitrary: step("kill", { code: of(1006, 1001, 1012, 4502) }) },
  { weight: 2, arbitrary: step("drain", { deadlineMs: of(1_000, 6_000, 13_500, 30_000) }) },
  { weight: 1, arbitrary: step("halfOpen") },
  { weight: 1, arbitrary: step("offline", { ms }) },
);

const fault = fc.oneof(
  { weight: 6, arbitrary: loss },
  { weight: 1, arbitrary: step("silence", { ms: of(1_000, 4_000, 8_000) }) },
  { weight: 1, arbitrary: step("freeze", { ms: of(1_000, 4_000, 12_000, 40_000) }) },
  { weight: 1, arbitrary: clock },
  {
    weight: 2,
    arbitrary: step("dial", {
      answer: of<DialAnswer>("fails", "hangs", "throws", 4429, 4503),
      ms,
    }),
  },
  { weight: 1, arbitrary: step("latency", { addMs: of(100, 700, 2_500), ms }) },
  {
    weight: 3,
    arbitrary: step("joins", { answer: joinAnswer, ms, lateMs: of(500, 4_000, 9_000, 17_000) }),
  },
  {
    weight: 1,
    arbitrary: step("joins", { answer: fc.constant("forbidden"), ms: msOrEver, channel }),
  },
  {
    weight: 1,
    arbitrary: step("subscriptions", { answer: fc.constant("error"), ms: msOrEver, channel }),
  },
  { weight: 1, arbitrary: step("subscriptions", { answer: of("never", "late", "busy"), ms }) },
  { weight: 1, arbitrary: step("resubscribe") },
  { weight: 1, arbitrary: step("endChannel", { channel, event: of("phx_close", "phx_error") }) },
  { weight: 1, arbitrary: step("relayGap", { channel, ms: of(1_500, 25_000) }) },
  { weight: 2, arbitrary: step("rest", { answer: restAnswer, ms: msOrEver }) },
  {
    weight: 2,
    arbitrary: step("token", {
      answer: of("hangs", "throws", "late", "null"),
      ms,
      lateMs: of(500, 3_000, 12_000),
    }),
  },
  { weight: 1, arbitrary: step("signIn", { user }) },
  { weight: 1, arbitrary: step("signOut") },
  { weight: 1, arbitrary: step("closeUnauthorized") },
);

const deed = fc.oneof(
  { weight: 3, arbitrary: step("join", { channel }) },
  { weight: 1, arbitrary: step("leave", { channel }) },
  { weight: 3, arbitrary: step("send", { channel: talking }) },
  { weight: 2, arbitrary: step("track", { channel: fc.constant("lobby") }) },
  { weight: 1, arbitrary: step("untrack", { channel: fc.constant("lobby") }) },
  { weight: 1, arbitrary: step("wake") },
  { weight: 1, arbitrary: step("retry") },
  { weight: 1, arbitrary: step("disconnect") },
  { weight: 1, arbitrary: step("nothing") },
  { weight: 1, arbitrary: step("twin") },
);

/** Steps that belong together; each may be missing, so that what is not needed goes in shrinking. */
const motif = (...steps: fc.Arbitrary<Step>[]): fc.Arbitrary<Step[]> =>
  fc.tuple(...steps.map((each) => fc.option(each, { freq: 12, nil: undefined })))
    .map((all) => all.filter((each) => each !== undefined));

const soon = of(0, 100, 400, 1_000);
const waits = (name: "nothing", wait: fc.Arbitrary<number>) => step(name, {}, wait);

/** What went wrong once, as its kind. */
const motifs = [
  // A move whose next socket is let in late, or not.
  motif(
    step("joins", { answer: joinAnswer, ms: of(4_000, 12_000) }, soon),
    step("drain", { deadlineMs: of(3_000, 6_000, 13_500) }, soon),
    waits("nothing", of(6_000, 15_000)),
    event,
  ),
  // A move whose next socket brings for seconds nothing of what the old one has brought.
  motif(
    step("latency", { addMs: of(700, 2_500), ms: of(8_000, 20_000) }, soon),
    step("drain", { deadlineMs: of(13_500, 30_000) }, soon),
    ...[flurry, flurry, flurry],
    step("silence", { ms: of(2_500, 3_500, 4_500), newest: fc.constant(true) }, of(500, 1_500)),
    ...[flurry, flurry, flurry],
  ),
  // A page that stands still while it moves.
  motif(
    step("drain", { deadlineMs: of(3_000, 6_000, 13_500) }, soon),
    ...[flurry, flurry],
    step("freeze", { ms: of(1_000, 2_500, 4_000, 12_000) }, of(30, 150, 500, 1_500)),
    ...[flurry, flurry],
  ),
  // What Realtime lets nobody subscribe to any more.
  motif(
    step("subscriptions", {
      answer: fc.constant("error"),
      ms: fc.constant(0),
      channel: of("mixed", "orders"),
    }, soon),
    loss,
    step("peer", { channel: fc.constant("mixed"), evil }, of(3_000, 8_000)),
  ),
  // The clock is set, and then something is missed.
  motif(
    step("insert", { table: fc.constant("orders") }),
    clock,
    step("join", { channel: of("orders", "everything", "mixed", "mail") }, soon),
    ...[flurry, loss, flurry],
  ),
  motif(event, loss, clock, ...[flurry, flurry]),
  // The publication changes, and it may no longer be subscribed.
  motif(
    step("subscriptions", { answer: of("error", "busy"), ms }, soon),
    step("resubscribe", {}, soon),
    ...[flurry, flurry],
  ),
  // A peer's clock, and then a gap.
  motif(
    step("join", { channel: of("orders", "everything", "mixed") }, soon),
    step("join", { channel: of("room", "lobby", "mixed") }, soon),
    step("peer", {
      channel: of("room", "lobby", "mixed"),
      evil: of("future", "future", "past", "row"),
    }, of(600, 1_500)),
    loss,
    step("insert", { table: fc.constant("orders") }, of(0, 30, 100)),
    event,
  ),
  motif(
    step("peer", { channel: talking, evil: of("future", "past", "row") }, soon),
    loss,
    insert,
    event,
  ),
  // Between the answer and the subscription.
  motif(
    step("subscriptions", { answer: fc.constant("late"), ms }, soon),
    step("join", { channel }, soon),
    insert,
    event,
  ),
  // Nobody answers who is asked for a token.
  motif(
    step("token", {
      answer: of("hangs", "throws", "late", "null"),
      ms: msOrEver,
      lateMs: of(3_000, 12_000),
    }, soon),
    fc.oneof(step("closeUnauthorized"), loss),
    event,
  ),
  // Somebody goes, and the application joins as before.
  motif(
    step("signOut", {}, soon),
    step("closeUnauthorized", {}, soon),
    step("join", { channel: of("mail", "mirror", "room") }, soon),
    store,
  ),
  motif(event, step("signIn", { user }, soon), event, loss),
  // Somebody else comes while token() is about to answer for whoever was there.
  motif(
    step("token", { answer: fc.constant("late"), ms, lateMs: of(3_000, 12_000) }, soon),
    step("wake", {}, soon),
    step("signIn", { user }, soon),
    ...[store, flurry, store],
  ),
  // The application is away for seconds, and asks for a socket meanwhile.
  motif(
    step("disconnect"),
    step("retry", {}, soon),
    step("token", { answer: of("hangs", "throws", "late"), ms, lateMs: of(3_000, 12_000) }, soon),
    event,
  ),
  // While it is read again somebody else comes.
  motif(
    step("rest", { answer: fc.constant("slow"), ms: of(12_000, 25_000) }, soon),
    loss,
    insert,
    step("signIn", { user }, of(500, 1_200, 3_000)),
    flurry,
  ),
  // The relay lost events, and who joins again for them is not let in at once.
  motif(
    step("joins", { answer: joinAnswer, ms: of(12_000, 25_000), lateMs: of(9_000, 17_000) }, soon),
    fc.oneof(step("relayGap", { channel: fc.constant("mail"), ms: of(1_500, 25_000) }), loss),
    ...[flurry, flurry, flurry],
  ),
  // What is read again fails.
  motif(step("rest", { answer: restAnswer, ms: msOrEver }, soon), loss, insert, insert),
  // A row changes while nobody hears of it.
  motif(
    step("join", { channel: fc.constant("mail") }, soon),
    waits("nothing", of(5_000, 16_000)),
    rowChange,
    loss,
    ...[rowChange, rowChange, rowChange, rowChange],
  ),
  // Neither can it be read in time, but later.
  motif(
    step("join", { channel: fc.constant("mail") }, soon),
    step("rest", { answer: of(503, "unreachable"), ms: of(32_000, 36_000) }, soon),
    loss,
    rowChange,
    waits("nothing", of(31_000, 36_000)),
    rowChange,
    loss,
    ...[rowChange, rowChange],
  ),
  // A replay, and another.
  motif(store, loss, store, loss, store),
  // An hour's absence, as of a machine that sleeps.
  motif(
    step("join", { channel: of("mail", "mirror", "orders") }, soon),
    step("offline", { ms: fc.constant(4_000_000) }, of(3_000, 40_000)),
    store,
    insert,
    waits("nothing", fc.constant(3_600_000)),
    store,
    event,
  ),
  // The same key again, over a loss.
  motif(insert, step("reinsert", { table }), loss, step("reinsert", { table }), event),
  motif(
    loss,
    step(
      "dial",
      { answer: of<DialAnswer>("fails", "hangs", "throws", 4401, 4503), ms },
      soon,
    ),
    event,
    loss,
  ),
  // A dial hangs in a network that is no more, and another comes.
  motif(
    step("dial", { answer: fc.constant("hangs"), ms: of(300, 1_500) }, soon),
    loss,
    step("wake", {}, of(3_000, 6_000)),
  ),
  motif(
    step("track", { channel: fc.constant("lobby") }),
    loss,
    step("peerTrack", { key: of("x", "y"), here: fc.boolean() }),
    step("send", { channel: talking }),
  ),
];

const shown = fc.tuple(fault, fc.array(flurry, { maxLength: 3 })).map((
  [first, rest],
) => [first, ...rest]);

const segment = fc.oneof(
  { weight: 6, arbitrary: event.map((each) => [each]) },
  { weight: 5, arbitrary: shown },
  { weight: 2, arbitrary: deed.map((each) => [each]) },
  { weight: 6, arbitrary: fc.oneof(...motifs) },
);

const skew = of(0, 0, 0, 11_000, -11_000, 120_000, -120_000, 4_200_000);

const order = { table: fc.constant("orders") } as const;
const newOrder = step("insert", { ...order, startedAgoMs: of(0, 0, 5_000) }, of(0, 30, 500));
const change = step("update", { ...order, ...changed }, of(0, 30, 150, 500, 3_000));
const goes = step("remove", order, of(0, 30, 500));

/** Rows change while nothing is heard, or while they are read again. */
const changes = fc.oneof(
  motif(newOrder, change, loss, change, newOrder, change, change),
  motif(newOrder, change, loss, change, goes, change),
  motif(newOrder, loss, newOrder, step("reinsert", order, soon), change),
  motif(change, loss, waits("nothing", of(6_000, 16_000)), change, loss, change),
  motif(
    step("rest", { answer: fc.constant("slow"), ms: of(12_000, 25_000) }, soon),
    ...[newOrder, loss, change, change],
    waits("nothing", of(500, 3_000)),
    ...[newOrder, newOrder, change, change, change],
  ),
  motif(step("rest", { answer: restAnswer, ms: msOrEver }, soon), change, loss, change, newOrder),
);

/** Mostly as usual: what is not needed for a failure is. */
const rarely = <T>(value: fc.Arbitrary<T>, weight = 1): fc.Arbitrary<T | undefined> =>
  fc.oneof(
    { withCrossShrink: true },
    { weight: 6, arbitrary: fc.constant(undefined) },
    { weight, arbitrary: value },
  );

const setup: fc.Arbitrary<Partial<Setup>> = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  channels: fc.uniqueArray(channel, { minLength: 1, maxLength: 4 }),
  vsn: rarely(of<Setup["vsn"]>("1.0.0")),
  relay: rarely(of<Setup["relay"]>("v2", "direct"), 2),
  latencyMs: rarely(of(1, 150, 600)),
  clientSkewMs: rarely(skew, 2),
  databaseSkewMs: rarely(skew),
  relaySkewMs: rarely(skew),
  subscribeMs: rarely(of(5, 300, 1_500), 2),
  pollMs: rarely(of(5, 400)),
  user: rarely(user, 6),
  tokenLifeS: rarely(of(60, 100, 200)),
  blanks: rarely(fc.constant(true)),
  sdk: rarely(of<Setup["sdk"]>("old"), 2),
  bigKeys: rarely(fc.constant(true)),
  zone: rarely(of<Setup["zone"]>("America/Los_Angeles", "Asia/Tokyo")),
  otherIds: rarely(fc.constant(true)),
  engine: rarely(of<Setup["engine"]>("native")),
  replayMs: rarely(of(100, 1_000)),
  replaysTwice: rarely(fc.constant(true)),
  history: rarely(fc.constant(true), 6),
  updates: rarely(fc.constant(true)),
  maxRows: rarely(of(4, 10)),
}).map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));

/** Nothing happens but announced moves, and what is to come over them. */
const calm = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: event },
    { weight: 1, arbitrary: step("send", { channel: talking }) },
    { weight: 1, arbitrary: step("join", { channel }) },
    {
      weight: 3,
      arbitrary: step(
        "drain",
        { deadlineMs: of(6_000, 13_500) },
        fc.integer({ min: 5_000, max: 40_000 }),
      ),
    },
  ),
  { minLength: 3, maxLength: 12 },
);

const hostile = fc.array(segment, { minLength: 1, maxLength: 7 }).map((all) => all.flat());

/** Of a table whose changes are read. */
const changing: fc.Arbitrary<Script> = fc.record({
  setup: fc.record({ setup, name: of<ChannelName>("everything", "everything", "changes") }).map(
    ({ setup, name }) => ({
      ...setup,
      updates: true,
      channels: [...new Set([name, ...setup.channels ?? []])],
    }),
  ),
  steps: fc.array(fc.oneof({ weight: 3, arbitrary: changes }, segment), {
    minLength: 1,
    maxLength: 5,
  }).map((all) => all.flat()),
});

const usual: fc.Arbitrary<Script> = fc.record({
  setup,
  steps: fc.oneof({ weight: 8, arbitrary: hostile }, { weight: 1, arbitrary: calm }),
});

/** Any world. */
export const scripts: fc.Arbitrary<Script> = fc.oneof(
  { weight: 6, arbitrary: usual },
  { weight: 1, arbitrary: changing },
);
