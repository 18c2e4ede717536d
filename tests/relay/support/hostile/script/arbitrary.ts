import fc from "fast-check";
import { type Settings, settings } from "../world/settings.ts";
import type { Command } from "./command.ts";
import { motifs } from "./motifs.ts";

/** A world and what happens in it. */
export interface Scenario {
  settings: Settings;
  script: Command[];
}

const c = fc.nat(5);
const topic = fc.constantFrom(0, 0, 1, 2);
/** What viewers share, more often than the rest. */
const config = fc.constantFrom(0, 0, 2, 2, 1, 1, 3, 4, 5, 6);
const constant = <T>(value: T) => fc.constant(value);

/** From a word to the largest payload that Realtime takes, the small ones more often. */
export const size = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(16, 200, 1_000) },
  { weight: 3, arbitrary: fc.constantFrom(20_000, 60_000) },
  { weight: 1, arbitrary: fc.constantFrom(300_000, 3_000_000) },
);

const verb = <Verb extends Command["do"]>(
  name: Verb,
  rest: { [Key in keyof Omit<Extract<Command, { do: Verb }>, "do">]: fc.Arbitrary<unknown> },
): fc.Arbitrary<Command> =>
  fc.record({ do: constant(name), ...rest }) as unknown as fc.Arbitrary<Command>;

const time = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(1, 50, 400, 1_000) },
  { weight: 4, arbitrary: fc.constantFrom(3_000, 6_000, 12_000) },
  { weight: 1, arbitrary: fc.constantFrom(25_000, 70_000, 190_000) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 60_000 }) },
);

const opening = verb("open", {
  vsn: fc.constantFrom(2, 1),
  who: fc.constantFrom("viewer", "viewer", "user", "user", "bad"),
  user: fc.nat(5),
  role: fc.nat(1),
  life: fc.constantFrom(2, 1, 0),
  pace: fc.constantFrom(0, 0, 0, 1, 2, 3),
  mute: fc.constantFrom(false, false, false, true),
  notices: fc.boolean(),
  beats: fc.constantFrom(true, true, false),
  from: fc.nat(1),
});

/** Every command, with how often it is drawn. */
const COMMANDS: [number, fc.Arbitrary<Command>][] = [
  [8, opening],
  [12, verb("join", { c, topic, config, token: fc.constantFrom(0, 0, 0, 0, 0, 1, 2, 3, 4, 5) })],
  [1, verb("joins", { c, count: fc.integer({ min: 1, max: 10 }), config: fc.nat(2) })],
  [3, verb("leave", { c, topic, of: fc.constantFrom(0, 0, 0, 1, 2) })],
  [6, verb("push", { c, topic, size, binary: fc.boolean() })],
  [1, verb("pushes", { c, count: fc.integer({ min: 1, max: 8 }), size })],
  [2, verb("track", { c, topic })],
  [4, verb("sign", { c, topic, user: fc.nat(1), role: fc.nat(1), life: fc.nat(3) })],
  [1, verb("sign badly", { c, topic, kind: fc.nat(5) })],
  [1, verb("sign out", { c, topic })],
  [
    1,
    verb("beats", { c, count: fc.constantFrom(1, 100, 400), size: fc.constantFrom(1, 1_000) }),
  ],
  [1, verb("shout", { c, size: fc.constantFrom(10, 70_000, 5_100_000) })],
  [3, verb("close", { c, code: fc.constantFrom(1000, 1001, 1006) })],
  [2, verb("answer", { c })],
  [2, verb("pace", { c, pace: fc.nat(3) })],
  [
    4,
    verb("right", {
      topic,
      role: fc.nat(2),
      right: fc.constantFrom("read", "read", "write"),
      may: fc.boolean(),
    }),
  ],
  [
    8,
    verb("emit", {
      topic,
      private: fc.constantFrom(false, false, true),
      size,
      count: fc.constantFrom(1, 1, 3, 20),
    }),
  ],
  [8, verb("change", { table: fc.nat(1), slug: fc.nat(1), size, count: fc.constantFrom(1, 2) })],
  [16, verb("pass", { ms: time })],
  [2, verb("cut", { which: fc.nat(3), code: fc.constantFrom(1006, 1001, 1000) })],
  [2, verb("stall", { which: fc.nat(3), isStalled: fc.boolean() })],
  [
    3,
    verb("weather", {
      dial: fc.constantFrom("ok", "ok", "refused", "hangs", "dropped"),
      lateMs: fc.constantFrom(0, 0, 700, 4_000, 12_000),
      pool: fc.constantFrom(0, 0, 2, 1_000),
    }),
  ],
  [
    1,
    verb("churn", {
      c,
      count: fc.integer({ min: 2, max: 450 }),
      perSecond: fc.constantFrom(20, 100, 200),
      topics: fc.constantFrom(1, 8, 60),
    }),
  ],
  [
    1,
    verb("crowd", {
      count: fc.integer({ min: 1, max: 24 }),
      vsn: fc.constantFrom(2, 1),
      topic: fc.nat(2),
      config: fc.nat(4),
      alike: fc.boolean(),
    }),
  ],
  [1, verb("kill", { topic, event: fc.constantFrom("phx_close", "phx_error") })],
  [
    2,
    verb("stand", {
      ms: fc.integer({ min: 1_000, max: 60_000 }),
      readsFirst: fc.constantFrom(false, false, true),
    }),
  ],
  [1, verb("drain", { reason: fc.constantFrom("termination", "drain", "cpu") })],
  [1, verb("verdict", { who: fc.nat(7) })],
  [
    1,
    verb("http", {
      who: fc.constantFrom("viewer", "user", "bad"),
      user: fc.nat(5),
      topic,
      form: fc.constantFrom("list", "path"),
      private: fc.constantFrom(false, true, "true", "1", "false", null, 1, "no"),
      body: fc.boolean(),
      size: fc.constantFrom(16, 20_000),
    }),
  ],
];

export const command: fc.Arbitrary<Command> = fc.oneof(
  ...COMMANDS.map(([weight, arbitrary]) => ({ weight, arbitrary })),
);

/** Commands one by one, and between them the beginnings of what strangers do on purpose. */
const script: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    { weight: 30, arbitrary: command.map((it) => [it]) },
    ...motifs.map((it) => ({ weight: 1, arbitrary: it })),
  ),
  { maxLength: 1_000, size: "small" },
).map((parts) => parts.flat());

export const scenario: fc.Arbitrary<Scenario> = fc.record({ settings, script });
