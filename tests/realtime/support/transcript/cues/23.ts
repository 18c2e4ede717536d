import { type Act, type Cues, expect, open, send } from "../cues.ts";

/** Who has joined before J does: the test's witness, and I. */
const BEFORE = 2;
/** The join of J that was refused. */
const REFUSED = 167;

const TOPIC = "realtime:p23:x";

function join(n: number): Act[] {
  const message = { topic: TOPIC, event: "phx_join", payload: { config: {} } };
  return [send("J", JSON.stringify({ ...message, ref: `${n}`, join_ref: `${n}` }))];
}

function joinAndLeave(n: number): Act[] {
  const ok = (ref: string, response: object) =>
    JSON.stringify({ ref, event: "phx_reply", topic: TOPIC, payload: { status: "ok", response } });
  const leave = {
    topic: TOPIC,
    event: "phx_leave",
    payload: {},
    ref: `leave${n}`,
    join_ref: `${n}`,
  };
  const closed = { ref: `${n}`, event: "phx_close", topic: TOPIC, payload: {} };
  return [
    ...join(n),
    send("J", JSON.stringify(leave)),
    expect("J", [
      ok(`${n}`, { postgres_changes: [] }),
      ok(leave.ref, {}),
      JSON.stringify(closed),
    ]),
  ];
}

/** Tries until the average is down; each try that is refused leaves nothing. */
const openWhenAllowed = (socket: string): Act => async (replay) => {
  while ((await replay.open(socket)).status === 429) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

export default (long: boolean): Cues => {
  // Over a shorter time than by default, so that the end of it can be waited for.
  const averagedMs = long ? 30_000 : 10_000;
  const joins = Array.from({ length: REFUSED - 1 }, (_, index) => joinAndLeave(index + 1)).flat();
  return {
    changes: {
      joinsAveragedMs: averagedMs,
      joinsPerSecond: (REFUSED - 1 + BEFORE) * 1000 / averagedMs,
    },
    busy: long ? ["J"] : [],
    before: {
      8: [open("J"), ...joins, ...join(REFUSED)],
      16: [openWhenAllowed("L")],
    },
  };
};
