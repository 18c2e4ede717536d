import type { InvariantName } from "../judge/invariants.ts";
import type { Script } from "./script.ts";

/** A world that a client failed in once, as small as it could be made. */
export interface Example {
  /** What holds in it. */
  sentence: string;
  /** The promise that the client of November 2026 broke in it. */
  broke: InvariantName;
  script: Script;
}

export const EXAMPLES: Example[] = [
  {
    sentence: "a join that is refused on the next socket is tried again or told",
    broke: "told",
    script: {
      setup: {},
      steps: [
        { after: 1_000, do: "joins", answer: "rateOnly", ms: 12_000 },
        { after: 0, do: "drain", deadlineMs: 6_000 },
        { after: 12_000, do: "nothing" },
      ],
    },
  },
  {
    sentence: "so is one that the next socket never answers",
    broke: "told",
    script: {
      setup: {},
      steps: [
        { after: 1_000, do: "joins", answer: "never", ms: 12_000 },
        { after: 0, do: "drain", deadlineMs: 6_000 },
        { after: 12_000, do: "nothing" },
      ],
    },
  },
  {
    sentence: "tables that nobody may subscribe to any more are told",
    broke: "told",
    script: {
      setup: {},
      steps: [
        { after: 100, do: "subscriptions", answer: "error", ms: 0, channel: "orders" },
        { after: 0, do: "kill" },
      ],
    },
  },
  {
    sentence: "broadcasts do not wait for tables that nobody may subscribe to",
    broke: "waits",
    script: {
      setup: { channels: ["mixed"] },
      steps: [
        { after: 100, do: "subscriptions", answer: "error", ms: 0, channel: "mixed" },
        { after: 0, do: "kill" },
        { after: 10_000, do: "peer", channel: "mixed" },
        { after: 30_000, do: "nothing" },
      ],
    },
  },
  {
    sentence: "keys of 19 digits are no number: a row is not taken for the one before",
    broke: "waits",
    script: {
      setup: { bigKeys: true },
      steps: [{ after: 200, do: "insert", table: "orders", count: 3 }],
    },
  },
  {
    sentence: "a row that comes again under its key comes again",
    broke: "waits",
    script: {
      setup: {},
      steps: [
        { after: 200, do: "insert", table: "orders" },
        { after: 100, do: "reinsert", table: "orders" },
      ],
    },
  },
  {
    sentence: "a row that was read again and then comes live comes once, whatever was deleted",
    broke: "once",
    script: {
      setup: { channels: ["everything"], pollMs: 400 },
      steps: [
        { after: 100, do: "kill" },
        { after: 0, do: "reinsert", table: "orders" },
      ],
    },
  },
  {
    sentence: "the server's times are not read by the local zone, west of it",
    broke: "told",
    script: {
      setup: { zone: "America/Los_Angeles" },
      steps: [
        { after: 200, do: "insert", table: "orders" },
        { after: 1_000, do: "kill" },
        { after: 30, do: "insert", table: "orders" },
      ],
    },
  },
  {
    sentence: "nor east of it",
    broke: "old",
    script: {
      setup: { zone: "Asia/Tokyo" },
      steps: [
        { after: 200, do: "insert", table: "orders" },
        { after: 1_000, do: "kill" },
      ],
    },
  },
  {
    sentence: "what a peer writes into its payload is no clock",
    broke: "told",
    script: {
      setup: { channels: ["orders", "room"] },
      steps: [
        { after: 100, do: "peer", channel: "room", evil: "future" },
        { after: 0, do: "kill" },
        { after: 30, do: "insert", table: "orders" },
      ],
    },
  },
  {
    sentence: "nor on the topic that mirrors the table",
    broke: "told",
    script: {
      setup: { channels: ["mirror"], user: "ann" },
      steps: [
        { after: 200, do: "peer", channel: "mirror", evil: "row" },
        { after: 0, do: "kill" },
        { after: 30, do: "insert", table: "orders" },
      ],
    },
  },
  {
    sentence: "a machine whose clock is fast reads from earlier, or tells a gap",
    broke: "told",
    script: {
      setup: { clientSkewMs: 11_000 },
      steps: [
        { after: 200, do: "kill" },
        { after: 30, do: "insert", table: "orders", count: 3 },
      ],
    },
  },
  {
    sentence: "a row whose transaction began before the application came is not lost",
    broke: "told",
    script: {
      setup: {},
      steps: [
        { after: 200, do: "kill" },
        { after: 0, do: "insert", table: "orders", startedAgoMs: 20_000 },
      ],
    },
  },
  {
    sentence: "between a join's answer and its subscription lies a gap like any other",
    broke: "told",
    script: {
      setup: { subscribeMs: 1_500 },
      steps: [
        { after: 200, do: "insert", table: "orders" },
        { after: 500, do: "insert", table: "orders" },
      ],
    },
  },
  {
    sentence: "so it is for a table that cannot be read again",
    broke: "told",
    script: {
      setup: { subscribeMs: 1_500, channels: ["notes"] },
      steps: [{ after: 200, do: "insert", table: "notes" }],
    },
  },
  {
    sentence: "a subscription that is never told does not silence its channel",
    broke: "told",
    script: {
      setup: {},
      steps: [{ after: 0, do: "subscriptions", answer: "never", ms: 1_000 }],
    },
  },
  {
    sentence: "a token() that does not answer leaves no status `live` without a socket",
    broke: "live",
    script: {
      setup: { user: "ann" },
      steps: [
        { after: 200, do: "token", answer: "hangs", ms: 0 },
        { after: 0, do: "closeUnauthorized" },
      ],
    },
  },
  {
    sentence: "the status says that token() does not answer, and it is not asked meanwhile",
    broke: "tokenOnce",
    script: {
      setup: {},
      steps: [
        { after: 200, do: "token", answer: "hangs", ms: 0 },
        { after: 0, do: "kill" },
        { after: 40_000, do: "nothing" },
      ],
    },
  },
  {
    sentence: "after a sign-out no stored token leaves",
    broke: "tokens",
    script: {
      setup: { channels: ["mail"], user: "ann", sdk: "old" },
      steps: [{ after: 1_000, do: "signOut" }],
    },
  },
  {
    sentence: "live rows do not wait for a REST host that is not reached",
    broke: "waits",
    script: {
      setup: {},
      steps: [
        { after: 200, do: "rest", answer: "unreachable", ms: 0 },
        { after: 0, do: "kill" },
        { after: 3_000, do: "insert", table: "orders" },
        { after: 30_000, do: "nothing" },
      ],
    },
  },
  {
    sentence: "nor for one that does not answer",
    broke: "waits",
    script: {
      setup: {},
      steps: [
        { after: 200, do: "rest", answer: "hangs", ms: 0 },
        { after: 0, do: "kill" },
        { after: 3_000, do: "insert", table: "orders" },
        { after: 30_000, do: "nothing" },
      ],
    },
  },
  {
    sentence: "a peer's first broadcast on a channel with tables is missed aloud",
    broke: "told",
    script: {
      setup: { channels: ["mixed"] },
      steps: [
        { after: 500, do: "halfOpen" },
        { after: 0, do: "peer", channel: "mixed" },
      ],
    },
  },
];
