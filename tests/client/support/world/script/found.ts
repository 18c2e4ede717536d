import type { Script } from "./script.ts";

/** Worlds in which the client of today failed once; that of November 2026 is not asked about them. */
export const FOUND: { sentence: string; script: Script }[] = [
  {
    sentence: "a join that waits on a socket that is over is not asked for again there",
    script: {
      setup: { seed: 133113 },
      steps: [
        { after: 0, do: "joins", answer: "pool", ms: 1_000 },
        { after: 100, do: "drain", deadlineMs: 6_000 },
        { after: 1_000, do: "remove", table: "orders" },
      ],
    },
  },
  {
    sentence: "a row of a minute ago is still known when it is read, whatever was updated since",
    script: {
      setup: { channels: ["everything"] },
      steps: [
        { after: 1_000, do: "insert", table: "orders" },
        { after: 80_000, do: "update", table: "orders" },
        { after: 1_000, do: "kill" },
      ],
    },
  },
  {
    sentence: "and whatever was broadcast",
    script: {
      setup: { channels: ["mixed"] },
      steps: [
        { after: 1_000, do: "insert", table: "orders" },
        { after: 80_000, do: "peer", channel: "mixed" },
        { after: 1_000, do: "kill" },
      ],
    },
  },
  {
    sentence: "two rows of one key and one millisecond are two, the older one read too late",
    script: {
      setup: { latencyMs: 150, subscribeMs: 6_000 },
      steps: [
        { after: 6_600, do: "insert", table: "orders" },
        { after: 0, do: "reinsert", table: "orders" },
      ],
    },
  },
  {
    sentence: "and come once over a move",
    script: {
      setup: {},
      steps: [
        { after: 1_000, do: "drain", deadlineMs: 6_000 },
        { after: 0, do: "joins", answer: "late", ms: 4_000, lateMs: 500 },
        { after: 30, do: "insert", table: "orders" },
        { after: 0, do: "reinsert", table: "orders" },
        { after: 1_200, do: "reinsert", table: "orders" },
        { after: 0, do: "reinsert", table: "orders" },
      ],
    },
  },
  {
    sentence:
      "rows that only a mirror tells of are read from there on, however fast the clock here",
    script: {
      setup: { channels: ["mirror"], clientSkewMs: 4_200_000, user: "bob" },
      steps: [
        { after: 100, do: "insert", table: "orders", count: 1 },
        { after: 100, do: "offline", ms: 100 },
        { after: 0, do: "reinsert", table: "orders" },
      ],
    },
  },
  {
    sentence: "nor from where a peer pretends that the time is",
    script: {
      setup: { channels: ["mirror"], clientSkewMs: 4_200_000, user: "bob" },
      steps: [
        { after: 200, do: "peer", channel: "mirror", evil: "row" },
        { after: 0, do: "kill" },
        { after: 30, do: "insert", table: "orders" },
      ],
    },
  },
  {
    sentence: "what came before the application did is not brought behind newer rows",
    script: {
      setup: {},
      steps: [
        { after: 1_000, do: "reinsert", table: "orders" },
        { after: 30, do: "disconnect" },
        { after: 0, do: "insert", table: "orders" },
        { after: 6_000, do: "reinsert", table: "orders" },
        { after: 100, do: "offline", ms: 100 },
      ],
    },
  },
  {
    sentence: "a socket that died before it took over is not waited for",
    script: {
      setup: { seed: 480019, channels: ["mail", "mixed"], user: "ann" },
      steps: [
        { after: 100, do: "drain", deadlineMs: 100 },
        { after: 30, do: "halfOpen" },
        { after: 1_000, do: "store", count: 1 },
        { after: 100, do: "halfOpen" },
      ],
    },
  },
  {
    sentence: "what comes while it is in doubt who is signed in is told as missing",
    script: {
      setup: { user: "ann" },
      steps: [
        { after: 1_000, do: "token", answer: "hangs", ms: 45_000 },
        { after: 0, do: "signOut" },
        { after: 21_000, do: "insert", table: "orders" },
        { after: 7_264, do: "nothing" },
      ],
    },
  },
  {
    sentence: "no token leaves on a socket that was dialled before the sign-out",
    script: {
      setup: {
        ...{ seed: 312546, channels: ["mail", "everything"], latencyMs: 150, subscribeMs: 1_500 },
        user: "bob",
      },
      steps: [
        { after: 1_000, do: "kill", code: 1006 },
        { after: 1_000, do: "signOut" },
      ],
    },
  },
  {
    sentence: "a dial that hangs does not outlive the page's coming back",
    script: {
      setup: {},
      steps: [
        { after: 1_000, do: "dial", answer: "hangs", ms: 1_500 },
        { after: 0, do: "kill", code: 1006 },
        { after: 2_000, do: "wake" },
        { after: 15_000, do: "nothing" },
      ],
    },
  },
  {
    sentence: "nor does one that is young",
    script: { setup: {}, steps: [{ after: 0, do: "offline", ms: 100 }] },
  },
  {
    sentence: "a message of a minute ago that is replayed twice does not come again",
    script: {
      setup: {
        ...{ channels: ["mail"], clientSkewMs: -120_000, user: "ann", tokenLifeS: 60 },
        replaysTwice: true,
      },
      steps: [{ after: 6_000, do: "store", count: 1 }],
    },
  },
  {
    sentence: "a row that waits, and whose successor is read before it, is told",
    script: {
      setup: {},
      steps: [
        { after: 0, do: "rest", answer: "unreachable", ms: 3_000 },
        { after: 100, do: "reinsert", table: "orders" },
        { after: 100, do: "kill", code: 1001 },
        { after: 1_000, do: "insert", table: "orders", count: 1 },
        { after: 100, do: "reinsert", table: "orders" },
      ],
    },
  },
  {
    sentence: "a row that waits when its socket is lost is not forgotten, though it is no more",
    script: {
      setup: {},
      steps: [
        { after: 0, do: "rest", answer: "hangs", ms: 3_000 },
        { after: 100, do: "insert", table: "orders", count: 1 },
        { after: 100, do: "kill", code: 1012 },
        { after: 1_000, do: "insert", table: "orders", count: 1 },
        { after: 100, do: "kill", code: 1001 },
        { after: 0, do: "reinsert", table: "orders" },
      ],
    },
  },
  {
    sentence: "a token of a minute is renewed, though its notice came before its socket was proven",
    script: {
      setup: { user: "bob", tokenLifeS: 60, sdk: "old" },
      steps: [{ after: 100, do: "drain", deadlineMs: 1_000 }],
    },
  },
  {
    sentence: "a presence track that goes out while a socket takes over holds there too",
    script: {
      setup: {
        seed: 432028,
        channels: ["everything", "mail", "ordersOfA", "lobby"],
      },
      steps: [
        { after: 1_000, do: "signIn", user: "bob" },
        { after: 0, do: "insert", table: "orders", count: 1 },
        { after: 6_000, do: "drain", deadlineMs: 13_500 },
        { after: 2_460, do: "track", channel: "lobby" },
      ],
    },
  },
  {
    sentence: "a row that waits in doubt of who is signed in, and whose socket is lost, is told",
    script: {
      setup: {},
      steps: [
        { after: 100, do: "insert", table: "orders", count: 1 },
        { after: 0, do: "token", answer: "late", ms: 1000 },
        { after: 100, do: "signIn", user: "ann" },
        { after: 0, do: "reinsert", table: "orders" },
        { after: 100, do: "kill", code: 1012 },
        { after: 0, do: "reinsert", table: "orders" },
      ],
    },
  },
  {
    sentence: "a first join tells of nothing missing",
    script: {
      setup: { channels: ["orders", "mixed", "notes"], subscribeMs: 1_500 },
      steps: [],
    },
  },
  {
    sentence: "nor does one beside a busy table",
    script: {
      setup: { channels: ["room"], databaseSkewMs: 120_000 },
      steps: [
        { after: 1_000, do: "insert", table: "orders", count: 3 },
        { after: 5_000, do: "insert", table: "orders", count: 3 },
        { after: 1_000, do: "join", channel: "orders" },
        { after: 1_000, do: "join", channel: "mixed" },
      ],
    },
  },
  {
    sentence:
      "a dial that began just before the network came back does not count as one more failure",
    script: {
      setup: { seed: 824069, channels: ["mixed", "mirror"], clientSkewMs: 0, user: "bob" },
      steps: [
        { after: 150, do: "kill", code: 4502 },
        { after: 400, do: "subscriptions", answer: "late", ms: 100 },
        { after: 1_000, do: "join", channel: "lobby" },
        { after: 1_350, do: "offline", ms: 12_000 },
        { after: 3_000, do: "wake" },
        { after: 21_210, do: "disconnect" },
      ],
    },
  },
  {
    sentence: "what waits beside a join that is never answered waits no longer than anything else",
    script: {
      setup: { channels: ["mail"], databaseSkewMs: 0, user: "bob" },
      steps: [
        { after: 100, do: "drain", deadlineMs: 3_000 },
        { after: 100, do: "halfOpen" },
        { after: 1_000, do: "store", count: 1 },
        { after: 0, do: "joins", answer: "never", ms: 3_000 },
        { after: 3_000, do: "store", count: 1 },
      ],
    },
  },
  {
    sentence: "a leave without a socket is not answered before it is sent",
    script: {
      setup: { latencyMs: 600 },
      steps: [
        { after: 3_000, do: "offline", ms: 300 },
        { after: 3_000, do: "nothing" },
      ],
    },
  },
  {
    sentence: "a channel that ends before its join was answered has both, in this order",
    script: {
      setup: { relaySkewMs: 4_200_000, subscribeMs: 1_500 },
      steps: [
        { after: 0, do: "signIn", user: "ann" },
        { after: 100, do: "signOut" },
      ],
    },
  },
  {
    sentence: "a row that was deleted and came again, all of it twice over a move, comes once",
    script: {
      setup: { channels: ["mixed", "everything"] },
      steps: [
        { after: 100, do: "subscriptions", answer: "error", ms: 0, channel: "mixed" },
        { after: 0, do: "drain", deadlineMs: 1_000 },
        { after: 500, do: "insert", table: "orders", count: 1 },
        { after: 0, do: "reinsert", table: "orders" },
      ],
    },
  },
  {
    sentence: "a second join ends the first, and what is said till it is answered is told",
    script: {
      setup: { channels: ["mixed"] },
      steps: [
        { after: 500, do: "insert", table: "orders" },
        { after: 500, do: "subscriptions", answer: "error", ms: 3_000 },
        { after: 100, do: "kill" },
        { after: 950, do: "joins", answer: "late", ms: 12_000, lateMs: 4_000 },
        { after: 2_500, do: "peer", channel: "mixed" },
      ],
    },
  },
  {
    sentence: "a join that Realtime refuses for the moment before it has proven the socket passes",
    script: {
      setup: { user: "ann" },
      steps: [
        { after: 0, do: "joins", answer: "rateOnly", ms: 1_000 },
        { after: 100, do: "drain", deadlineMs: 100 },
        { after: 1_000, do: "nothing" },
      ],
    },
  },
  {
    sentence: "a new join that is refused for the moment is told the reason before it times out",
    script: {
      setup: {},
      steps: [{ after: 0, do: "joins", answer: "rateOnly", ms: 12_000 }, {
        after: 12_000,
        do: "nothing",
      }],
    },
  },
  {
    sentence: "so is one whose refusals take so long that there is time for one alone",
    script: {
      setup: {},
      steps: [{ after: 0, do: "joins", answer: "pool", ms: 12_000 }, {
        after: 12_000,
        do: "nothing",
      }],
    },
  },
  {
    sentence: "a socket on which joins are refused, each for 5 s, is not taken for dead",
    script: {
      setup: { channels: ["mirror", "mail"], relay: "direct" },
      steps: [{ after: 0, do: "offline", ms: 25_000 }],
    },
  },
  {
    sentence: "what waits behind a read is known from the socket before, however long that takes",
    script: {
      setup: { seed: 16, channels: ["mirror"], latencyMs: 600, user: "ann" },
      steps: [
        { after: 3_000, do: "drain", deadlineMs: 30_000 },
        { after: 8_095, do: "flurry" },
        { after: 630, do: "offline", ms: 100 },
      ],
    },
  },
  {
    sentence: "what the relay lost for long is missed for as long",
    script: {
      setup: { channels: ["mail"], user: "ann" },
      steps: [
        { after: 1_000, do: "relayGap", channel: "mail", ms: 25_000 },
        { after: 3_000, do: "peer", channel: "mail" },
        { after: 22_000, do: "nothing" },
      ],
    },
  },
  {
    sentence: "a gap begins with the last sign of a socket, though a join was repeated on it since",
    script: {
      setup: { channels: ["mixed"] },
      steps: [
        { after: 100, do: "insert", table: "orders", count: 1 },
        { after: 0, do: "dial", answer: "hangs", ms: 1_000 },
        { after: 0, do: "drain", deadlineMs: 1_000 },
        { after: 3_000, do: "wake" },
        { after: 0, do: "subscriptions", answer: "late", ms: 1_000 },
        { after: 398, do: "halfOpen" },
        { after: 0, do: "flurry" },
      ],
    },
  },
  {
    sentence: "a mirrored row that waited when its socket was lost is told, though it is no more",
    script: {
      setup: { channels: ["mirror"], user: "bob", tokenLifeS: 60 },
      steps: [
        { after: 100, do: "flurry" },
        { after: 0, do: "rest", answer: "slow", ms: 1_000 },
        { after: 100, do: "kill", code: 4502 },
        { after: 1_000, do: "flurry" },
        { after: 100, do: "reinsert", table: "orders" },
        { after: 0, do: "closeUnauthorized" },
      ],
    },
  },
  {
    sentence:
      "where Realtime has subscribed again by itself, rows from before come before newer ones",
    script: {
      setup: {},
      steps: [
        { after: 0, do: "subscriptions", answer: "busy", ms: 100 },
        { after: 1_000, do: "flurry" },
        { after: 20_000, do: "insert", table: "orders", count: 1 },
        { after: 100, do: "kill", code: 1001 },
      ],
    },
  },
  {
    sentence: "so it is where the next socket is subscribed, and the one before was not",
    script: {
      setup: {},
      steps: [
        { after: 0, do: "subscriptions", answer: "error", ms: 100 },
        { after: 1_000, do: "flurry" },
        { after: 0, do: "drain", deadlineMs: 3_000 },
        { after: 1_000, do: "flurry" },
        { after: 100, do: "kill", code: 4502 },
      ],
    },
  },
  {
    sentence: "a join that is answered twice each time is not repeated without end",
    script: {
      setup: { channels: ["mail"], user: "bob" },
      steps: [
        { after: 0, do: "joins", answer: "twice", ms: 20_000 },
        { after: 150, do: "flurry" },
        { after: 20_000, do: "insert", table: "orders", count: 1 },
      ],
    },
  },
  {
    sentence: "once the relay has said that it lost rows, newer ones wait for those",
    script: {
      setup: { channels: ["everything"] },
      steps: [
        { after: 0, do: "relayGap", channel: "everything" },
        { after: 500, do: "insert", table: "orders" },
        { after: 1_000, do: "insert", table: "orders" },
      ],
    },
  },
  {
    sentence: "a subscription that comes back by itself tells of all the time that it was away",
    script: {
      setup: { clientSkewMs: 4_200_000 },
      steps: [
        { after: 0, do: "subscriptions", answer: "busy", ms: 100 },
        { after: 430, do: "flurry" },
        { after: 20_000, do: "joins", answer: "pool", ms: 1_000 },
        { after: 0, do: "drain", deadlineMs: 1_000 },
        { after: 100, do: "flurry" },
      ],
    },
  },
  {
    sentence:
      "a join that came from before the sign-in, and is refused for now, is asked for again",
    script: {
      setup: { channels: ["mail"] },
      steps: [
        { after: 6_257, do: "signIn", user: "bob" },
        { after: 0, do: "kill", code: 1006 },
        { after: 0, do: "joins", answer: "rateOnly", ms: 1_000 },
        { after: 1_000, do: "update", table: "notes" },
      ],
    },
  },
  {
    sentence: "what waited for a channel that was closed does not come to the one that follows it",
    script: {
      setup: { seed: 623103, channels: ["mixed"] },
      steps: [
        { after: 0, do: "halfOpen" },
        { after: 15_338, do: "subscriptions", answer: "late", ms: 20_000 },
        { after: 1_000, do: "rest", answer: "slow", ms: 10_000 },
        { after: 6_258, do: "flurry" },
        { after: 4_200, do: "endChannel", channel: "mixed", event: "phx_close" },
        { after: 7_730, do: "insert", table: "orders", count: 1 },
      ],
    },
  },
  {
    sentence: "what is replayed twice, an hour after it was had, comes once",
    script: {
      setup: { channels: ["mail"], user: "ann", replayMs: 1_000, replaysTwice: true },
      steps: [
        { after: 100, do: "flurry" },
        { after: 100, do: "offline", ms: 4_000_000 },
        { after: 3_600_500, do: "store", count: 1, row: 2 },
      ],
    },
  },
  {
    sentence: "a replay that was asked for by a wrong clock is told",
    script: {
      setup: { channels: ["mail"], databaseSkewMs: -120_000, user: "ann" },
      steps: [
        { after: 100, do: "closeUnauthorized" },
        { after: 100, do: "flurry" },
        { after: 0, do: "signIn", user: "ann" },
      ],
    },
  },
  {
    sentence: "a transaction that had begun before the join and ended in a loss is told",
    script: {
      setup: { user: "ann" },
      steps: [
        { after: 100, do: "flurry" },
        { after: 0, do: "join", channel: "mail" },
        { after: 100, do: "kill", code: 4502 },
        { after: 0, do: "store", row: 1, count: 1, startedAgoMs: 14_000 },
      ],
    },
  },
  {
    sentence: "what is older than a full replay is told",
    script: {
      setup: { channels: ["mail"], user: "ann" },
      steps: [
        { after: 100, do: "store", count: 30 },
        { after: 100, do: "kill", code: 1006 },
        { after: 0, do: "store", row: 1, count: 1, startedAgoMs: 1_000 },
      ],
    },
  },
  {
    sentence: "of a replay that comes late, and of what was had a minute ago, each comes once",
    script: {
      setup: { subscribeMs: 1_500, user: "ann", replayMs: 100 },
      steps: [
        { after: 0, do: "flurry" },
        { after: 0, do: "flurry" },
        { after: 0, do: "join", channel: "mail" },
        { after: 0, do: "drain", deadlineMs: 1_000 },
        { after: 41_893, do: "halfOpen" },
      ],
    },
  },
  {
    sentence: "what a second join ends is missed from when the first was answered, however late",
    script: {
      setup: { channels: ["room"], latencyMs: 600 },
      steps: [
        { after: 3_000, do: "drain", deadlineMs: 100 },
        { after: 0, do: "joins", answer: "late", ms: 25_000, lateMs: 17_000 },
        { after: 24_930, do: "flurry" },
      ],
    },
  },
  {
    sentence: "a burst of an hour ago does not come again with a message of now",
    script: {
      setup: { user: "bob", history: true },
      steps: [
        { after: 0, do: "join", channel: "mail" },
        { after: 1_000, do: "store", count: 30 },
        { after: 3_603_000, do: "store", count: 1, row: 1 },
        { after: 100, do: "offline", ms: 100 },
      ],
    },
  },
  {
    sentence: "a message that was had proves nothing of a transaction from before the join",
    script: {
      setup: { channels: ["mail"], user: "bob" },
      steps: [
        { after: 100, do: "flurry" },
        { after: 100, do: "kill", code: 1006 },
        { after: 0, do: "store", row: 1, count: 1, startedAgoMs: 14_000 },
      ],
    },
  },
  {
    sentence: "what the old socket has brought the new one repeats, and it may be seconds behind",
    script: {
      setup: { seed: 435794, channels: ["mixed", "room", "ordersOfA"] },
      steps: [
        { after: 26_271, do: "kill", code: 1006 },
        { after: 0, do: "flurry" },
        { after: 600, do: "latency", addMs: 700, ms: 10_000 },
        { after: 0, do: "drain", deadlineMs: 13_500 },
        { after: 8_530, do: "silence", ms: 3_000, newest: true },
        { after: 0, do: "flurry" },
      ],
    },
  },
  {
    sentence: "a replay that comes late and whole may have been cut, and that is told",
    script: {
      setup: { clientSkewMs: -120_000, databaseSkewMs: 0, user: "bob", replayMs: 1_000 },
      steps: [
        { after: 0, do: "join", channel: "mail" },
        { after: 100, do: "insert", table: "orders", count: 1 },
        { after: 3_600_150, do: "store", count: 30, row: 1 },
      ],
    },
  },
  {
    sentence: "what a page that stood still missed lies in the gap that it tells",
    script: {
      setup: { channels: ["lobby", "mixed"], subscribeMs: 300 },
      steps: [
        { after: 100, do: "drain", deadlineMs: 1_000 },
        { after: 30, do: "freeze", ms: 12_000 },
        { after: 1_000, do: "flurry" },
      ],
    },
  },
  {
    sentence: "what a late replay brings behind newer messages is told, not delivered",
    script: {
      setup: { user: "bob", replayMs: 1_000 },
      steps: [
        { after: 100, do: "insert", table: "orders", count: 1 },
        { after: 0, do: "join", channel: "mail" },
        { after: 100, do: "halfOpen" },
        { after: 36_700, do: "kill", code: 1001 },
        { after: 500, do: "store", row: 1, count: 1 },
        { after: 500, do: "store", row: 1, count: 1 },
      ],
    },
  },
  {
    sentence: "what waits for whoever is signed in is told where a move passes over it",
    script: {
      setup: { latencyMs: 150, subscribeMs: 300 },
      steps: [
        { after: 100, do: "token", answer: "late", ms: 6_000 },
        { after: 550, do: "drain", deadlineMs: 13_500 },
        { after: 4_200, do: "signIn", user: "ann" },
        { after: 0, do: "flurry" },
        { after: 500, do: "insert", table: "notes", count: 1 },
      ],
    },
  },
  {
    sentence: "a row that is inserted and changed between two reads is one INSERT, and none behind",
    script: {
      setup: {
        seed: 400216,
        channels: ["everything", "notes", "lobby", "room", "ordersOfA"],
        user: "bob",
        updates: true,
      },
      steps: [
        { after: 6_000, do: "peer", channel: "room", evil: "none" },
        { after: 0, do: "insert", table: "orders" },
        { after: 100, do: "kill", code: 1001 },
        { after: 600, do: "reinsert", table: "orders" },
        { after: 0, do: "update", table: "orders", count: 1 },
      ],
    },
  },
  {
    sentence: "two changes of one transaction that were read come live no more",
    script: {
      setup: {
        channels: ["everything", "ordersOfA", "notes", "orders", "changes"],
        user: "ann",
        updates: true,
      },
      steps: [
        { after: 100, do: "insert", table: "orders" },
        { after: 100, do: "kill", code: 4502 },
        { after: 1_210, do: "update", table: "orders", count: 2 },
      ],
    },
  },
  {
    sentence: "nor behind a newer one that was read",
    script: {
      setup: { channels: ["changes"], updates: true },
      steps: [
        { after: 0, do: "rest", answer: "slow", ms: 1_000 },
        { after: 100, do: "kill", code: 1012 },
        { after: 1_000, do: "update", table: "orders", count: 2 },
        { after: 0, do: "update", table: "orders", count: 1 },
      ],
    },
  },
  {
    sentence: "what came as an UPDATE is not read as an INSERT in the same state",
    script: {
      setup: { channels: ["everything"], updates: true },
      steps: [
        { after: 3_000, do: "halfOpen" },
        { after: 19_570, do: "insert", table: "orders" },
        { after: 0, do: "rest", answer: 406, ms: 20_000 },
        { after: 13_774, do: "update", table: "orders", count: 1 },
        { after: 100, do: "halfOpen" },
      ],
    },
  },
  {
    sentence:
      "an INSERT that is older than what was read of its row as an UPDATE is told, not delivered",
    script: {
      setup: { channels: ["everything"], updates: true },
      steps: [
        { after: 100, do: "insert", table: "orders" },
        { after: 100, do: "kill", code: 4502 },
        { after: 1_000, do: "insert", table: "orders", startedAgoMs: 3_000 },
        { after: 0, do: "update", table: "orders", count: 1 },
      ],
    },
  },
  {
    sentence: "two changes of one transaction come once where two sockets have brought them",
    script: {
      setup: { channels: ["everything"], updates: true },
      steps: [
        { after: 100, do: "rest", answer: "slow", ms: 1_000 },
        { after: 0, do: "kill", code: 1001 },
        { after: 0, do: "insert", table: "orders" },
        { after: 600, do: "drain", deadlineMs: 1_000 },
        { after: 500, do: "update", table: "orders", count: 2, back: 2, startedAgoMs: 14_000 },
      ],
    },
  },
  {
    sentence: "nor does what waited on both come twice, be its row deleted meanwhile",
    script: {
      setup: { seed: 833921, channels: ["everything", "notes"], user: "ann", updates: true },
      steps: [
        { after: 100, do: "update", table: "orders", count: 1 },
        { after: 6_000, do: "offline", ms: 4_000 },
        { after: 4_500, do: "rest", answer: "slow", ms: 10_000 },
        { after: 4_650, do: "drain", deadlineMs: 6_000 },
        { after: 3_000, do: "update", table: "orders", count: 1, startedAgoMs: 1_000 },
        { after: 500, do: "remove", table: "orders" },
      ],
    },
  },
  {
    sentence: "what somebody sends who has signed in does not leave on the socket of whoever was",
    script: {
      setup: { channels: ["lobby"], user: "bob" },
      steps: [
        { after: 0, do: "token", answer: "late", ms: 3_000 },
        { after: 1_000, do: "signIn", user: "ann" },
        { after: 100, do: "track", channel: "lobby" },
      ],
    },
  },
  {
    sentence: "a join that was refused does not just time out, where the last try is not answered",
    script: {
      setup: {},
      steps: [
        { after: 0, do: "joins", answer: "rateOnly", ms: 3_000 },
        { after: 3_000, do: "silence", ms: 8_000 },
      ],
    },
  },
  {
    sentence:
      "nor does what the next socket brings reach who has signed in while it was to take over",
    script: {
      setup: { seed: 415214, channels: ["everything", "lobby", "asked"], user: "ann" },
      steps: [
        { after: 0, do: "kill", code: 1012 },
        { after: 1_000, do: "flurry" },
        { after: 0, do: "flurry" },
        { after: 19_820, do: "offline", ms: 100 },
        { after: 8_000, do: "flurry" },
        { after: 42_500, do: "drain", deadlineMs: 30_000 },
        { after: 1_100, do: "token", answer: "late", ms: 3_000, lateMs: 12_000 },
        { after: 100, do: "signIn", user: "bob" },
        { after: 30, do: "flurry" },
      ],
    },
  },
  {
    sentence: "a join is not taken for subscribed by what was said of the one that was left before",
    script: {
      setup: {
        ...{ seed: 712738, channels: ["mail", "everything", "room", "orders"] },
        ...{ subscribeMs: 1_500, user: "bob" },
      },
      steps: [
        { after: 0, do: "joins", answer: "late", ms: 12_000 },
        { after: 0, do: "drain", deadlineMs: 3_000 },
        { after: 15_500, do: "insert", table: "orders", count: 1 },
      ],
    },
  },
  {
    sentence: "what the relay says of the socket does not tell that Realtime was there",
    script: {
      setup: { user: "bob", tokenLifeS: 60 },
      steps: [
        { after: 100, do: "joins", answer: "late", ms: 1_000, lateMs: 17_000 },
        { after: 100, do: "insert", table: "orders", startedAgoMs: 20_000 },
        { after: 0, do: "join", channel: "mail" },
        { after: 16_000, do: "halfOpen" },
      ],
    },
  },
  {
    sentence:
      "what waits for whoever is signed in lies in the gap, though it had waited for the page",
    script: {
      setup: { channels: ["asked"] },
      steps: [
        { after: 6_000, do: "freeze", ms: 10_000 },
        { after: 0, do: "token", answer: "late", ms: 20_000, lateMs: 12_000 },
        { after: 0, do: "signIn", user: "bob" },
        { after: 0, do: "flurry" },
        { after: 20_000, do: "nothing" },
      ],
    },
  },
  {
    sentence: "nor does a refused join just time out while it is in doubt who is signed in",
    script: {
      setup: {},
      steps: [
        { after: 0, do: "joins", answer: "rateOnly", ms: 100 },
        { after: 0, do: "join", channel: "mixed" },
        { after: 100, do: "token", answer: "late", ms: 100, lateMs: 10_000 },
        { after: 100, do: "signIn", user: "bob" },
        { after: 10_000, do: "nothing" },
      ],
    },
  },
  {
    sentence: "who signs in and out while token() is open leaves no token behind",
    script: {
      setup: {},
      steps: [
        { after: 0, do: "token", answer: "late", ms: 6_000 },
        { after: 400, do: "signIn", user: "ann" },
        { after: 3_000, do: "signOut" },
      ],
    },
  },
  {
    sentence: "changes that end on the next socket too do not flow when it takes over",
    script: {
      setup: { seed: 711911, channels: ["changes", "mail", "everything", "notes"] },
      steps: [
        { after: 100, do: "rest", answer: "slow", ms: 1_000 },
        { after: 0, do: "kill", code: 1001 },
        { after: 500, do: "drain", deadlineMs: 3_000 },
        { after: 1_000, do: "subscriptions", answer: "error", ms: 100 },
        { after: 0, do: "resubscribe" },
      ],
    },
  },
  {
    sentence: "what the old socket brought does not come again where the next one ends with it",
    script: {
      setup: { seed: 515226, channels: ["notes", "mail", "mixed"], subscribeMs: 1_500 },
      steps: [
        { after: 0, do: "joins", answer: "rateOnly", ms: 12_000 },
        { after: 20_000, do: "drain", deadlineMs: 13_500 },
        { after: 1_000, do: "drain", deadlineMs: 6_000 },
        { after: 1_150, do: "freeze", ms: 10_000 },
        { after: 100, do: "flurry" },
      ],
    },
  },
  {
    sentence:
      "rows of one millisecond that are read by their changes come in the order of their making",
    script: {
      setup: { channels: ["everything"], updates: true },
      steps: [
        { after: 33_814, do: "rest", answer: "slow", ms: 6_000 },
        { after: 0, do: "insert", table: "orders" },
        { after: 100, do: "kill", code: 4502 },
        { after: 6_000, do: "insert", table: "orders" },
        { after: 0, do: "insert", table: "orders" },
        { after: 0, do: "update", table: "orders", count: 1, back: 1 },
      ],
    },
  },
  {
    sentence:
      "a row of a mirror whose successor was read lies in the gap, however long it had waited",
    script: {
      setup: { channels: ["everything", "mirror"], user: "ann" },
      steps: [
        { after: 0, do: "rest", answer: "slow", ms: 20_000 },
        { after: 500, do: "insert", table: "orders" },
        { after: 0, do: "insert", table: "orders", startedAgoMs: 100 },
        { after: 150, do: "kill", code: 4502 },
        { after: 500, do: "insert", table: "orders", startedAgoMs: 0 },
        { after: 100, do: "reinsert", table: "orders" },
        { after: 3_722, do: "kill", code: 1012 },
        { after: 11_360, do: "update", table: "orders", count: 1, back: 0, startedAgoMs: 14_000 },
      ],
    },
  },
  {
    sentence:
      "who joins as somebody else before a socket is there has no use for the token asked for before",
    script: {
      setup: {
        ...{ channels: ["ordersOfA", "asked"], user: "ann" },
        ...{ clientSkewMs: 4_200_000, relaySkewMs: 4_200_000 },
      },
      steps: [
        { after: 3_671_211, do: "token", answer: "late", ms: 1_500 },
        { after: 1_000, do: "wake" },
        { after: 0, do: "signIn", user: "bob" },
        { after: 3_000, do: "nothing" },
      ],
    },
  },
  {
    sentence: "a move while rows do not flow has a gap from when they stopped",
    script: {
      setup: { clientSkewMs: 4_200_000 },
      steps: [
        { after: 100, do: "subscriptions", answer: "error", ms: 1_000 },
        { after: 100, do: "resubscribe" },
        { after: 0, do: "insert", table: "orders" },
        { after: 10_000, do: "drain", deadlineMs: 3_000 },
        { after: 1_000, do: "flurry" },
        { after: 100, do: "kill", code: 1012 },
      ],
    },
  },
  {
    sentence:
      "a forged row's time is bounded by the server's clock, though that is told only behind it",
    script: {
      setup: { channels: ["mixed", "mirror"], user: "ann", clientSkewMs: 4_200_000 },
      steps: [
        { after: 100, do: "peer", channel: "mirror", evil: "row" },
        { after: 0, do: "insert", table: "orders", count: 1 },
        { after: 100, do: "kill", code: 1006 },
        { after: 0, do: "insert", table: "orders", count: 1 },
      ],
    },
  },
  {
    sentence: "nor does a row of the moment at which a forged one came prove that time",
    script: {
      setup: { channels: ["mirror"], user: "ann", clientSkewMs: 60_000 },
      steps: [
        { after: 200, do: "peer", channel: "mirror", evil: "row" },
        { after: 1_000, do: "offline", ms: 60_000 },
        { after: 9_000, do: "insert", table: "orders" },
        { after: 50_000, do: "insert", table: "orders" },
      ],
    },
  },
  {
    sentence: "whoever signs in anew has a gap where no clock can tell what was missed",
    script: {
      setup: { channels: ["mirror"], user: "ann", clientSkewMs: 4_200_000 },
      steps: [
        { after: 100, do: "flurry" },
        { after: 100, do: "signOut" },
        { after: 0, do: "signIn", user: "ann" },
        { after: 14_967, do: "offline", ms: 100 },
        { after: 6_000, do: "flurry" },
      ],
    },
  },
  {
    sentence:
      "who signs out between two sockets has no use for the token asked for before, had no join named it",
    script: {
      setup: { user: "bob" },
      steps: [
        { after: 100, do: "token", answer: "late", ms: 1_000 },
        { after: 0, do: "kill", code: 4502 },
        { after: 1_000, do: "signOut" },
      ],
    },
  },
  {
    sentence: "what comes between a join that was given up and its answer is told",
    script: {
      setup: { channels: ["mail"], user: "ann" },
      steps: [
        { after: 0, do: "drain", deadlineMs: 30_000 },
        { after: 17_633, do: "joins", answer: "late", ms: 3_000, lateMs: 9_000 },
        { after: 0, do: "relayGap", channel: "mail", ms: 1_000 },
        { after: 0, do: "flurry" },
        { after: 9_900, do: "flurry" },
        { after: 1_300, do: "nothing" },
      ],
    },
  },
  {
    sentence: "what waits at Realtime behind a slow join lies in the gap where its socket is lost",
    script: {
      setup: { seed: 160499, channels: ["lobby", "ordersOfA", "notes", "changes"], user: "ann" },
      steps: [
        { after: 100, do: "joins", answer: "late", ms: 20_000, lateMs: 9_000 },
        { after: 1_000, do: "join", channel: "everything" },
        { after: 3_000, do: "flurry" },
        { after: 14_100, do: "kill", code: 1006 },
      ],
    },
  },
  {
    sentence: "what a mirror misses behind two answers to one join is read",
    script: {
      setup: { channels: ["mirror"], user: "ann" },
      steps: [
        { after: 0, do: "joins", answer: "twice", ms: 3_000 },
        { after: 100, do: "kill", code: 1006 },
        { after: 100, do: "flurry" },
        { after: 1_000, do: "nothing" },
      ],
    },
  },
  {
    sentence: "so are messages",
    script: {
      setup: { channels: ["mail"], user: "ann", history: true },
      steps: [
        { after: 3_000, do: "store", count: 1 },
        { after: 0, do: "joins", answer: "twice", ms: 1_000 },
        { after: 0, do: "kill", code: 1006 },
        { after: 1_000, do: "nothing" },
      ],
    },
  },
  {
    sentence: "what is missed while joins of a channel that has failed are not answered is told",
    script: {
      setup: { channels: ["lobby"] },
      steps: [
        { after: 100, do: "latency", addMs: 100, ms: 100 },
        { after: 0, do: "joins", answer: "never", ms: 3_000 },
        { after: 0, do: "endChannel", channel: "lobby", event: "phx_error" },
        { after: 100, do: "flurry" },
        { after: 1_000, do: "flurry" },
      ],
    },
  },
  {
    sentence: "what waited for a slow join comes once, had the socket before brought it",
    script: {
      setup: { channels: ["mail", "lobby"], user: "ann" },
      steps: [
        { after: 100, do: "joins", answer: "pool", ms: 1_000, channel: "lobby" },
        { after: 0, do: "drain", deadlineMs: 3_000 },
        { after: 850, do: "flurry" },
      ],
    },
  },
  {
    sentence: "what two sockets are replayed late is told where the second has taken over",
    script: {
      setup: { channels: ["mirror", "ordersOfA", "mail"], user: "bob", replayMs: 1_000 },
      steps: [
        { after: 43_359, do: "insert", table: "orders", count: 1 },
        { after: 38_315, do: "drain", deadlineMs: 6_000 },
        { after: 0, do: "joins", answer: "forbidden", ms: 6_000 },
        { after: 8_000, do: "drain", deadlineMs: 20_000 },
        { after: 0, do: "flurry" },
      ],
    },
  },
  {
    sentence: "what waits for a read waits no longer where the relay loses more meanwhile",
    script: {
      setup: { user: "bob", history: true },
      steps: [
        { after: 0, do: "relayGap", channel: "mail", ms: 20_000 },
        { after: 0, do: "join", channel: "mail" },
        { after: 1_000, do: "rest", answer: "unreachable", ms: 36_000 },
        { after: 0, do: "kill", code: 1012 },
        { after: 1_000, do: "store", row: 1, count: 1 },
        { after: 47_767, do: "flurry" },
      ],
    },
  },
  {
    sentence: "nor for a join that Realtime does not answer",
    script: {
      setup: { channels: ["mail"], user: "ann" },
      steps: [
        { after: 1_000, do: "joins", answer: "never", ms: 25_000 },
        { after: 0, do: "relayGap", channel: "mail", ms: 1_500 },
        { after: 1_600, do: "store" },
        { after: 500, do: "store" },
        { after: 40_000, do: "nothing" },
      ],
    },
  },
  {
    sentence:
      "who waits to read what the relay lost finds no socket, where that has ended meanwhile",
    script: {
      setup: { channels: ["room"] },
      steps: [
        { after: 1_000, do: "relayGap", channel: "room", ms: 100 },
        { after: 120, do: "dial", answer: "fails", ms: 12_000 },
        { after: 50, do: "kill", code: 1006 },
        { after: 20_000, do: "nothing" },
      ],
    },
  },
  {
    sentence: "what the relay lost behind a replay is replayed anew",
    script: {
      setup: { channels: ["mail", "orders"], user: "ann" },
      steps: [
        { after: 1_000, do: "insert", table: "orders" },
        { after: 60_000, do: "kill", code: 1006 },
        { after: 5_000, do: "relayGap", channel: "mail" },
        { after: 500, do: "store" },
        { after: 5_000, do: "nothing" },
      ],
    },
  },
  {
    sentence: "a read in doubt that a loss ends is told, where the next one brings older rows",
    script: {
      setup: { channels: ["everything", "mixed"], clientSkewMs: 11_000, updates: true },
      steps: [
        { after: 0, do: "rest", answer: "slow", ms: 10_000 },
        { after: 500, do: "insert", table: "orders" },
        { after: 0, do: "kill", code: 1001 },
        { after: 1_000, do: "insert", table: "orders" },
        { after: 6_000, do: "kill", code: 1001 },
      ],
    },
  },
  {
    sentence: "a close of an earlier join is not taken for that which a second answer brings",
    script: {
      setup: { channels: ["lobby", "orders"], vsn: "1.0.0", user: "ann" },
      steps: [
        { after: 0, do: "joins", answer: "late", ms: 100, lateMs: 16_000 },
        { after: 100, do: "joins", answer: "twice", ms: 20_000 },
        { after: 20_000, do: "update", table: "orders", count: 1 },
      ],
    },
  },
  {
    sentence: "an UPDATE that waits is told where its row's successor under the key was read",
    script: {
      setup: { channels: ["everything"], updates: true },
      steps: [
        { after: 100, do: "rest", answer: "slow", ms: 3_000 },
        { after: 0, do: "insert", table: "orders" },
        { after: 100, do: "kill", code: 4502 },
        { after: 1_000, do: "update", table: "orders", count: 1 },
        { after: 100, do: "reinsert", table: "orders" },
      ],
    },
  },
  {
    sentence: "and where it was read by its change",
    script: {
      setup: { channels: ["changes"], updates: true },
      steps: [
        { after: 1_000, do: "insert", table: "orders" },
        { after: 500, do: "update", table: "orders", count: 1 },
        { after: 500, do: "rest", answer: "slow", ms: 3_000 },
        { after: 0, do: "kill", code: 4502 },
        { after: 1_500, do: "update", table: "orders", count: 1 },
        { after: 100, do: "reinsert", table: "orders" },
        { after: 200, do: "update", table: "orders", count: 1 },
      ],
    },
  },
  {
    sentence: "a subscription of a join that was replaced is not that of the next one",
    script: {
      setup: {
        channels: ["changes", "mixed", "notes", "everything"],
        ...{ relay: "direct", subscribeMs: 1_000 },
      },
      steps: [
        { after: 2_000, do: "joins", answer: "late", ms: 25_000 },
        { after: 0, do: "kill" },
        { after: 24_800, do: "insert", table: "orders" },
        { after: 10_000, do: "nothing" },
      ],
    },
  },
  {
    sentence: "what a full replay leaves out lies in a gap, be it lost before the socket was",
    script: {
      setup: { channels: ["mail", "notes"], user: "ann" },
      steps: [
        { after: 0, do: "relayGap", channel: "mail", ms: 20_000 },
        { after: 1_000, do: "store", count: 30 },
        { after: 8_100, do: "latency", addMs: 2_500, ms: 6_000 },
        { after: 0, do: "drain", deadlineMs: 6_000 },
        { after: 0, do: "flurry" },
        { after: 6_000, do: "flurry" },
      ],
    },
  },
  {
    sentence: "changes flow again where a newer socket has them, and its ok came before the error",
    script: {
      setup: { latencyMs: 600, clientSkewMs: 0, user: "ann" },
      steps: [
        { after: 0, do: "kill", code: 1012 },
        { after: 12_242, do: "drain", deadlineMs: 30_000 },
        { after: 3_000, do: "signIn", user: "ann" },
        { after: 0, do: "subscriptions", answer: "busy", ms: 1_000 },
        { after: 500, do: "flurry" },
      ],
    },
  },
  {
    sentence:
      "a track that waited until it was known who is signed in does not come behind a newer one",
    script: {
      setup: { channels: ["lobby"], relaySkewMs: 0 },
      steps: [
        { after: 100, do: "token", answer: "late", ms: 1_000 },
        { after: 100, do: "signIn", user: "ann" },
        { after: 0, do: "track", channel: "lobby" },
        { after: 0, do: "kill", code: 4502 },
        { after: 100, do: "track", channel: "lobby" },
      ],
    },
  },
  {
    sentence:
      "rows of a time in which changes did not flow come before newer ones, also by a new join",
    script: {
      setup: {
        ...{ seed: 866_779, relaySkewMs: 0 },
        channels: ["mixed", "orders", "everything", "changes"],
      },
      steps: [
        { after: 6_000, do: "insert", table: "orders", count: 3 },
        { after: 500, do: "kill", code: 4502 },
        { after: 400, do: "dial", answer: 4401, ms: 1_000 },
        { after: 2_571, do: "kill", code: 1006 },
        { after: 150, do: "subscriptions", answer: "busy", ms: 12_000 },
        { after: 580, do: "drain", deadlineMs: 13_500 },
        { after: 8_000, do: "flurry" },
        { after: 150, do: "freeze", ms: 4_000 },
        { after: 8_000, do: "flurry" },
        { after: 3_000, do: "halfOpen" },
      ],
    },
  },
  {
    sentence:
      "what whoever went may have is owed to nobody, where an old SDK does not say that they went",
    script: {
      setup: { user: "bob", sdk: "old", history: true },
      steps: [
        { after: 100, do: "signOut" },
        { after: 0, do: "join", channel: "mail" },
        { after: 100, do: "store", count: 1, row: 2 },
        { after: 0, do: "endChannel", channel: "mail", event: "phx_error" },
      ],
    },
  },
  {
    sentence: "what is joined behind a clock that is set forward is read from its own time",
    script: {
      setup: {},
      steps: [
        { after: 100, do: "flurry" },
        { after: 100, do: "clock", byMs: 90_000, ms: 100 },
        { after: 0, do: "join", channel: "mixed" },
        { after: 100, do: "flurry" },
        { after: 0, do: "offline", ms: 100 },
      ],
    },
  },
  {
    sentence: "and what was joined before it by the time of then",
    script: {
      setup: { channels: ["orders", "changes"], updates: true },
      steps: [
        { after: 1_000, do: "clock", byMs: 3_600_000, ms: 100 },
        { after: 0, do: "insert", table: "orders", count: 1 },
        { after: 100, do: "kill", code: 1012 },
      ],
    },
  },
  {
    sentence: "a clock that is set back lets nobody wait with dialling",
    script: {
      setup: {},
      steps: [
        { after: 1_000, do: "offline", ms: 12_000 },
        { after: 17_190, do: "clock", byMs: -90_000 },
      ],
    },
  },
  {
    sentence: "a table is read to its end where REST gives few rows at once",
    script: {
      setup: { maxRows: 4 },
      steps: [
        { after: 100, do: "flurry" },
        { after: 16_034, do: "offline", ms: 12_000 },
        { after: 8_500, do: "flurry" },
        { after: 0, do: "flurry" },
        { after: 8_000, do: "flurry" },
        { after: 0, do: "flurry" },
        { after: 1_000, do: "flurry" },
        { after: 100, do: "kill", code: 1001 },
      ],
    },
  },
  {
    sentence: "a clock that is set forward makes no message one that had long come",
    script: {
      setup: { channels: ["mail"], user: "ann", history: true },
      steps: [
        { after: 20_000, do: "store" },
        { after: 1_000, do: "clock", byMs: 90_000 },
        { after: 500, do: "flurry" },
        { after: 1_500, do: "flurry" },
        { after: 2_000, do: "store", startedAgoMs: 14_000 },
        { after: 0, do: "kill" },
        { after: 5_000, do: "nothing" },
      ],
    },
  },
  {
    sentence: "nor is what came before it forgotten for that",
    script: {
      setup: { channels: ["mail"], user: "ann", history: true },
      steps: [
        { after: 20_000, do: "store" },
        { after: 1_000, do: "clock", byMs: 90_000 },
        { after: 1_000, do: "kill" },
        { after: 4_500, do: "store" },
        { after: 1_000, do: "kill" },
        { after: 5_000, do: "nothing" },
      ],
    },
  },
];
