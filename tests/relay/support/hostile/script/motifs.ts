import fc from "fast-check";
import type { Command, Open } from "./command.ts";

/** Somebody whom nothing sets apart. */
export const somebody = (changes: Partial<Open> = {}): Open => ({
  do: "open",
  vsn: 2,
  who: "viewer",
  user: 0,
  role: 0,
  life: 2,
  pace: 0,
  mute: false,
  notices: false,
  beats: true,
  ...changes,
});

export const pass = (ms: number): Command => ({ do: "pass", ms });

const vsn = fc.constantFrom(2 as const, 1 as const);
const topic = fc.nat(2);
const opened = vsn.map((it) => somebody({ vsn: it }));
const join = (topic: number, config: number, c: number): Command => ({
  do: "join",
  c,
  topic,
  config,
  token: 0,
});
const several = (count: number, command: Command): Command[] => Array(count).fill(command);

/** A private channel that one viewer has, from which the right is taken before another comes. */
const newcomer = fc.record({
  topic,
  config: fc.constantFrom(1, 3),
  wait: fc.constantFrom(6_000, 12_000),
  who: opened,
}).map(({ topic, config, wait, who }): Command[] => [
  { do: "right", topic, role: 0, right: "read", may: true },
  who,
  join(topic, config, 0),
  pass(3_000),
  { do: "right", topic, role: 0, right: "read", may: false },
  pass(wait),
  who,
  join(topic, config, 1),
  pass(3_000),
]);

/** A topic is left and joined anew in another way, on a socket whose process is busy. */
const again = fc.record({
  vsn,
  before: fc.constantFrom(0, 2, 4),
  after: fc.constantFrom(0, 2, 4),
  lateMs: fc.constantFrom(700, 4_000),
  wait: fc.constantFrom(1, 3_000, 4_400, 4_900),
}).map(({ vsn, before, after, lateMs, wait }): Command[] => [
  somebody({ vsn }),
  join(1, 0, 0),
  somebody({ vsn }),
  join(0, before, 1),
  pass(3_000),
  { do: "leave", c: 1, topic: 0 },
  pass(wait),
  { do: "weather", dial: "ok", lateMs, pool: 0 },
  join(2, 0, 0),
  pass(50),
  { do: "change", table: 0, slug: 0, size: 16, count: 1 },
  { do: "emit", topic: 0, private: false, size: 16, count: 1 },
  pass(1_000),
  join(0, after, 1),
  { do: "change", table: 0, slug: 0, size: 16, count: 1 },
  pass(12_000),
]);

/** A viewer becomes a user on the open socket, and then sends or is sent something. */
const signIn = fc.record({
  topic,
  config: fc.constantFrom(0, 2, 4, 5),
  role: fc.nat(1),
  binary: fc.boolean(),
}).map(({ topic, config, role, binary }): Command[] => [
  somebody(),
  join(topic, config, 0),
  pass(3_000),
  { do: "sign", c: 0, topic, user: 0, role, life: 2 },
  pass(6_000),
  { do: "push", c: 0, topic, size: 16, binary },
  { do: "change", table: 0, slug: 0, size: 16, count: 1 },
  { do: "emit", topic, private: false, size: 16, count: 1 },
  pass(6_000),
]);

/** A channel is replaced, or left, while Realtime is busy, and its viewer becomes a user meanwhile. */
const replaced = fc.record({
  vsn,
  before: fc.constantFrom(0, 2, 4, 5),
  after: fc.constantFrom(0, 1, 3, undefined),
  role: fc.nat(1),
  wait: fc.constantFrom(100, 1_000, 2_500),
}).map(({ vsn, before, after, role, wait }): Command[] => [
  somebody({ vsn }),
  join(0, before, 0),
  { do: "push", c: 0, topic: 0, size: 16, binary: false },
  pass(3_000),
  { do: "weather", dial: "ok", lateMs: 4_000, pool: 0 },
  join(1, 5, 0),
  after === undefined ? { do: "leave", c: 0, topic: 0 } : join(0, after, 0),
  pass(1),
  { do: "sign", c: 0, topic: 1, user: 0, role, life: 2 },
  pass(wait),
  { do: "change", table: 0, slug: 0, size: 16, count: 1 },
  { do: "emit", topic: 0, private: false, size: 16, count: 1 },
  { do: "weather", dial: "ok", lateMs: 0, pool: 0 },
  pass(6_000),
]);

/** Somebody leaves while Realtime is dialled for them. */
const gone = fc.record({ count: fc.integer({ min: 1, max: 3 }), code: fc.constantFrom(1001, 1006) })
  .map(({ count, code }): Command[] => [
    ...Array.from({ length: count }, (): Command[] => [
      somebody({ who: "user" }),
      { do: "close", c: 0, code },
    ]).flat(),
    pass(40_000),
  ]);

/** Sockets that end and do not answer, or were refused and do not. */
const mutes = fc.record({
  who: fc.constantFrom("viewer" as const, "user" as const, "bad" as const),
  count: fc.integer({ min: 2, max: 8 }),
}).map(({ who, count }): Command[] => [
  ...several(count, somebody({ who, mute: true, life: 0 })),
  ...several(count, { do: "shout", c: 0, size: 5_100_000 }),
  pass(25_000),
  ...several(count, somebody({ who, mute: true })),
]);

/** A viewer goes over to a socket of its own while the hub's heartbeat is due. */
const onTheBeat = fc.record({ early: fc.integer({ min: 1, max: 3_000 }), vsn }).map((
  { early, vsn },
): Command[] => [
  somebody({ vsn }),
  somebody({ vsn }),
  join(0, 0, 0),
  join(0, 0, 1),
  pass(25_000 - early),
  { do: "push", c: 0, topic: 0, size: 16, binary: false },
  pass(6_000),
]);

/** Much is said on channels that are slow to be joined. */
const hoard = fc.record({
  count: fc.integer({ min: 2, max: 8 }),
  size: fc.constantFrom(20_000, 60_000, 300_000),
  lateMs: fc.constantFrom(700, 4_000),
}).map(({ count, size, lateMs }): Command[] => [
  somebody(),
  { do: "joins", c: 0, count, config: 0 },
  pass(6_000),
  { do: "weather", dial: "ok", lateMs, pool: 0 },
  { do: "pushes", c: 0, count, size },
  { do: "pushes", c: 0, count, size },
  pass(400),
  { do: "pushes", c: 0, count, size },
]);

/** One wire format takes what there is, and the other comes. */
const crowding = fc.record({
  vsn,
  topic,
  count: fc.integer({ min: 14, max: 18 }),
}).map(({ vsn, topic, count }): Command[] => [
  { do: "crowd", count, vsn, topic, config: 0, alike: false },
  pass(3_000),
  { do: "crowd", count: 3, vsn: vsn === 1 ? 2 : 1, topic, config: 0, alike: true },
  pass(6_000),
]);

/** Many who look at one page, and a burst. */
const burst = fc.record({
  count: fc.integer({ min: 2, max: 24 }),
  vsn,
  size: fc.constantFrom(16, 1_000, 20_000, 300_000, 3_000_000),
  many: fc.constantFrom(1, 3, 20),
}).map(({ count, vsn, size, many }): Command[] => [
  { do: "crowd", count, vsn, topic: 0, config: 0, alike: true },
  pass(3_000),
  { do: "emit", topic: 0, private: false, size, count: many },
  pass(50),
]);

/** Somebody joins and leaves without end, beside others. */
const churn = fc.record({
  count: fc.constantFrom(60, 450),
  perSecond: fc.constantFrom(20, 100, 200),
  topics: fc.constantFrom(1, 8, 60),
}).map((it): Command[] => [
  { do: "crowd", count: 2, vsn: 2, topic: 0, config: 0, alike: true },
  pass(3_000),
  somebody(),
  { do: "churn", c: 2, ...it },
  pass(3_000),
]);

/** Private channels that nobody may read, on the socket that others look through. */
const refused = fc.record({ count: fc.integer({ min: 2, max: 10 }) }).map((
  { count },
): Command[] => [
  { do: "crowd", count: 2, vsn: 2, topic: 0, config: 0, alike: true },
  pass(3_000),
  somebody(),
  { do: "joins", c: 2, count, config: 1 },
  pass(50_000),
]);

/** What a channel of this config is told. */
const said = (config: number): Command[] => [
  { do: "emit", topic: 0, private: false, size: 16, count: 1 },
  ...(config === 2 ? [{ do: "change" as const, table: 0, slug: 0, size: 16, count: 1 }] : []),
];

/** Something is said while the way to Realtime is lost, stands still or is refused. */
const loss = fc.record({
  count: fc.integer({ min: 1, max: 3 }),
  vsn,
  config: fc.constantFrom(0, 2),
  how: fc.constantFrom<Command>(
    { do: "cut", which: 0, code: 1006 },
    { do: "stall", which: 0, isStalled: true },
    { do: "weather", dial: "refused", lateMs: 0, pool: 0 },
    { do: "weather", dial: "hangs", lateMs: 0, pool: 0 },
  ),
  code: fc.constantFrom(1006, 1001),
  wait: fc.constantFrom(1_000, 20_000, 55_000, 70_000),
}).map(({ count, vsn, config, how, code, wait }): Command[] => [
  { do: "crowd", count, vsn, topic: 0, config, alike: true },
  pass(6_000),
  how,
  ...said(config),
  ...(how.do === "weather" ? [{ do: "cut" as const, which: 0, code }] : []),
  pass(wait),
  ...said(config),
  { do: "weather", dial: "ok", lateMs: 0, pool: 0 },
  { do: "stall", which: 0, isStalled: false },
  ...said(config),
  pass(20_000),
  ...said(config),
]);

/** The worker stands still; meanwhile something is said, and the way to Realtime may be lost. */
const still = fc.record({
  count: fc.integer({ min: 1, max: 3 }),
  vsn,
  config: fc.constantFrom(0, 1, 2, 3),
  lead: fc.integer({ min: 1, max: 25_000 }),
  before: fc.array(
    fc.constantFrom<Command>(
      somebody(),
      somebody({ who: "user", beats: false }),
      join(0, 0, 2),
      join(1, 1, 0),
      { do: "push", c: 0, topic: 0, size: 16, binary: false },
      { do: "sign", c: 0, topic: 0, user: 0, role: 0, life: 2 },
      pass(400),
    ),
    { maxLength: 3 },
  ),
  ms: fc.integer({ min: 1_000, max: 60_000 }),
  readsFirst: fc.boolean(),
  meanwhile: fc.array(
    fc.constantFrom<Command>(
      pass(400),
      pass(3_000),
      pass(12_000),
      ...said(2),
      ...said(2),
      { do: "cut", which: 0, code: 1006 },
      { do: "stall", which: 0, isStalled: true },
      { do: "stall", which: 0, isStalled: false },
      { do: "right", topic: 0, role: 0, right: "read", may: false },
      { do: "emit", topic: 0, private: true, size: 60_000, count: 20 },
      { do: "emit", topic: 0, private: false, size: 60_000, count: 20 },
      { do: "push", c: 0, topic: 0, size: 16, binary: false },
      { do: "leave", c: 0, topic: 0 },
      { do: "close", c: 0, code: 1006 },
      somebody(),
      join(0, 0, 2),
    ),
    { minLength: 2, maxLength: 10 },
  ),
}).map(({ count, vsn, config, lead, before, ms, readsFirst, meanwhile }): Command[] => [
  { do: "crowd", count, vsn, topic: 0, config, alike: true },
  pass(lead),
  ...before,
  { do: "stand", ms, readsFirst },
  ...meanwhile,
  pass(ms),
  ...said(2),
  pass(12_000),
]);

/** The way to Realtime is lost while the worker stands still, behind what it reads when it comes to. */
const lostBehind = fc.record({
  count: fc.integer({ min: 1, max: 3 }),
  vsn,
  config: fc.constantFrom(0, 2),
  lead: fc.integer({ min: 3_000, max: 60_000 }),
  ms: fc.integer({ min: 8_000, max: 60_000 }),
  readsFirst: fc.boolean(),
  wait: fc.constantFrom(50, 1_000, 3_000),
}).map(({ count, vsn, config, lead, ms, readsFirst, wait }): Command[] => [
  { do: "crowd", count, vsn, topic: 0, config, alike: true },
  pass(lead),
  { do: "stand", ms, readsFirst },
  pass(400),
  ...said(config),
  pass(wait),
  { do: "cut", which: 0, code: 1006 },
  pass(wait),
  ...said(config),
  pass(ms),
  ...said(config),
  pass(12_000),
]);

/** A viewer goes over to a channel of its own, and much is said meanwhile. */
const move = fc.record({
  vsn,
  config: fc.constantFrom(0, 2),
  how: fc.constantFrom<Command>(
    { do: "push", c: 0, topic: 0, size: 16, binary: false },
    { do: "track", c: 0, topic: 0 },
    { do: "sign", c: 0, topic: 0, user: 0, role: 0, life: 2 },
    { do: "join", c: 0, topic: 1, config: 5, token: 0 },
  ),
  meanwhile: fc.array(
    fc.constantFrom<Command>(
      pass(1),
      pass(30),
      pass(400),
      pass(3_000),
      ...said(2),
      { do: "push", c: 0, topic: 0, size: 16, binary: false },
      { do: "push", c: 1, topic: 0, size: 16, binary: true },
      { do: "sign", c: 0, topic: 0, user: 0, role: 0, life: 3 },
      { do: "join", c: 0, topic: 0, config: 0, token: 0 },
      { do: "leave", c: 0, topic: 0 },
      { do: "kill", topic: 0, event: "phx_close" },
      { do: "cut", which: 1, code: 1006 },
    ),
    { minLength: 4, maxLength: 12 },
  ),
}).map(({ vsn, config, how, meanwhile }): Command[] => [
  { do: "crowd", count: 2, vsn, topic: 0, config, alike: true },
  pass(6_000),
  ...said(config),
  how,
  ...meanwhile,
  pass(12_000),
  ...said(config),
]);

/** A token comes to its end, with or without a newer one. */
const expiry = fc.record({ vsn, role: fc.nat(1), renew: fc.boolean(), notices: fc.boolean() }).map((
  { vsn, role, renew, notices },
): Command[] => [
  somebody({ vsn, who: "user", life: 0, notices }),
  join(0, 0, 0),
  pass(50_000),
  ...(renew ? [{ do: "sign" as const, c: 0, topic: 0, user: 0, role, life: 1 }] : []),
  { do: "push", c: 0, topic: 0, size: 16, binary: false },
  pass(25_000),
  { do: "push", c: 0, topic: 0, size: 16, binary: false },
]);

/** One of several does not read, or not as fast as is said. */
const slow = fc.record({
  vsn,
  pace: fc.integer({ min: 1, max: 3 }),
  size: fc.constantFrom(1_000, 20_000, 60_000),
  many: fc.constantFrom(3, 20),
}).map(({ vsn, pace, size, many }): Command[] => [
  { do: "crowd", count: 2, vsn, topic: 0, config: 0, alike: true },
  somebody({ vsn, pace }),
  join(0, 0, 2),
  pass(3_000),
  { do: "emit", topic: 0, private: false, size, count: many },
  pass(400),
  { do: "emit", topic: 0, private: false, size, count: many },
  pass(12_000),
]);

/** The same topics by HTTP, in both forms. */
const posts = fc.array(
  fc.record({
    who: fc.constantFrom("user" as const, "user" as const, "viewer" as const),
    user: fc.nat(1),
    topic,
    form: fc.constantFrom("list" as const, "path" as const),
    private: fc.boolean(),
    body: fc.boolean(),
  }),
  { minLength: 2, maxLength: 6 },
).map((them): Command[] => them.map((it) => ({ do: "http", ...it, size: 16 })));

/** A public key opens a socket, and its user's token comes in one of the ways that SDKs have. */
const firstJoin = fc.record({
  vsn,
  before: fc.array(
    fc.constantFrom<Command>(
      pass(400),
      pass(1_100),
      join(0, 0, 0),
      join(1, 1, 0),
      { do: "leave", c: 0, topic: 0 },
      { do: "leave", c: 0, topic: 0, of: 2 },
      { do: "push", c: 0, topic: 0, size: 16, binary: false },
      { do: "sign badly", c: 0, topic: 0, kind: 0 },
      { do: "join", c: 0, topic: 0, config: 0, token: 5 },
      { do: "beats", c: 0, count: 400, size: 1_000 },
    ),
    { maxLength: 6 },
  ),
  lateness: fc.constantFrom<Command>(
    pass(1),
    { do: "weather", dial: "hangs", lateMs: 0, pool: 0 },
    { do: "weather", dial: "refused", lateMs: 0, pool: 0 },
    { do: "weather", dial: "ok", lateMs: 4_000, pool: 0 },
  ),
  name: fc.constantFrom<Command>(
    { do: "join", c: 0, topic: 0, config: 0, token: 3 },
    { do: "join", c: 0, topic: 0, config: 2, token: 4 },
    { do: "sign", c: 0, topic: 0, user: 0, role: 0, life: 2 },
    { do: "sign", c: 0, topic: 2, user: 0, role: 1, life: 0 },
  ),
  behind: fc.array(
    fc.constantFrom<Command>(
      join(0, 0, 0),
      join(1, 2, 0),
      { do: "leave", c: 0, topic: 0 },
      { do: "push", c: 0, topic: 0, size: 16, binary: true },
      { do: "push", c: 0, topic: 0, size: 60_000, binary: false },
      { do: "sign", c: 0, topic: 0, user: 0, role: 1, life: 3 },
      { do: "sign", c: 0, topic: 0, user: 1, role: 0, life: 2 },
      { do: "sign out", c: 0, topic: 0 },
      { do: "close", c: 0, code: 1001 },
      { do: "beats", c: 0, count: 400, size: 1 },
    ),
    { maxLength: 6 },
  ),
}).map(({ vsn, before, lateness, name, behind }): Command[] => [
  somebody({ vsn }),
  ...before,
  lateness,
  name,
  ...behind,
  pass(3_000),
  { do: "push", c: 0, topic: 0, size: 16, binary: false },
  { do: "emit", topic: 0, private: false, size: 16, count: 1 },
  pass(12_000),
]);

/** Many open with a public key and bring nobody; somebody with a token comes. */
const strangers = fc.record({
  count: fc.integer({ min: 2, max: 9 }),
  mute: fc.boolean(),
  pace: fc.constantFrom(0, 3),
  wait: fc.constantFrom(1, 1_000, 9_000, 12_000),
}).map(({ count, mute, pace, wait }): Command[] => [
  ...several(count, somebody({ mute, pace, beats: false })),
  { do: "beats", c: 0, count: 400, size: 1_000 },
  pass(wait),
  somebody({ who: "user" }),
  somebody({ from: 1 }),
  { do: "join", c: 1, topic: 0, config: 0, token: 3 },
  ...several(count, somebody({ mute, pace, beats: false })),
  pass(3_000),
]);

/** Some look at what Realtime loses, and has no room for or no socket that lasts, for minutes. */
const away = fc.record({
  count: fc.integer({ min: 1, max: 3 }),
  config: fc.constantFrom(0, 1, 2),
  vsn,
  how: fc.constantFrom<Command & { do: "weather" }>(
    { do: "weather", dial: "dropped", lateMs: 0, pool: 0 },
    { do: "weather", dial: "ok", lateMs: 0, pool: 1_000 },
    { do: "weather", dial: "hangs", lateMs: 0, pool: 0 },
    { do: "weather", dial: "refused", lateMs: 0, pool: 0 },
  ),
  end: fc.constantFrom<Command>(
    { do: "cut", which: 0, code: 1006 },
    { do: "stall", which: 0, isStalled: true },
  ),
}).map(({ count, config, vsn, how, end }): Command[] => [
  ...several(count, somebody({ vsn })),
  ...Array.from({ length: count }, (_, c) => join(0, config, c)),
  pass(12_000),
  how,
  end,
  ...several(5, pass(70_000)),
  { do: "weather", dial: "ok", lateMs: 0, pool: 0 },
  pass(12_000),
]);

/** More channels than a socket has room for, of viewers who each look at one. */
const full = fc.record({ vsn, config: fc.constantFrom(0, 2), wait: fc.constantFrom(1, 3_000) }).map(
  (
    { vsn, config, wait },
  ): Command[] => [
    ...several(4, somebody({ vsn })),
    ...[0, 1, 2].flatMap((at) => [join(at, config, at), pass(wait)]),
    pass(12_000),
    { do: "change", table: 0, slug: 0, size: 16, count: 1 },
    { do: "cut", which: 0, code: 1006 },
    pass(12_000),
    { do: "change", table: 0, slug: 0, size: 16, count: 1 },
    { do: "push", c: 0, topic: 0, size: 16, binary: false },
    pass(6_000),
    { do: "change", table: 0, slug: 0, size: 16, count: 1 },
  ],
);

export const motifs: fc.Arbitrary<Command[]>[] = [
  again,
  newcomer,
  signIn,
  replaced,
  gone,
  mutes,
  onTheBeat,
  hoard,
  crowding,
  burst,
  churn,
  refused,
  loss,
  move,
  expiry,
  slow,
  posts,
  ...Array(3).fill(still) as (typeof still)[],
  lostBehind,
  ...Array(4).fill(firstJoin) as (typeof firstJoin)[],
  strangers,
  away,
  full,
];
