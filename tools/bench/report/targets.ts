import type { Row } from "../samples.ts";
import { digits } from "./table.ts";

/** What the relay is meant to hold, on the newest Deno. */
export interface Target {
  what: string;
  /** At most. */
  bound: number;
  unit: string;
  /** Undefined where it was not measured. */
  value: number | undefined;
}

const RELAY = /^this relay \(Deno 2\.9/;
const HUB = /^this relay, shared \(Deno 2\.9/;
const OLD_RELAY = /^this relay \(Deno 2\.1/;
const BATCHES = /^this relay, shared, in batches \(Deno 2\.9/;
const BARE = /^bare fan-out \(Deno 2\.9/;
const NODE = {
  relay: /^this relay \(Node/,
  hub: /^this relay, shared \(Node/,
  bare: /^bare fan-out \(Node/,
};

export function targetsOf(rows: readonly Row[]): Target[] {
  const find = (scenario: string, peer: RegExp) =>
    rows.find((row) => row.scenario === scenario && peer.test(row.peer));
  const ratio = (scenario: string, peer: RegExp, to: string) => find(scenario, peer)?.ratios[to];
  const value = (scenario: string, peer: RegExp) => find(scenario, peer)?.figure.median;
  const times = (scenario: string, peer: RegExp, than: string, other = peer) => {
    const [one, base] = [value(scenario, peer), value(than, other)];
    return one === undefined || base === undefined ? undefined : one / base;
  };
  const [one, many] = ["1 viewer", "1000 viewers"];
  const hub = /^through the hub$/;
  const batches = /^through the hub, in batches$/;
  const whole = value(`frames of it that arrived at ${many}`, hub);
  return [
    ...[100, 1000].flatMap((sockets) => [
      {
        what: `text 300 B, ${sockets} sockets, CPU over the naive relay's`,
        bound: 1,
        unit: "×",
        value: ratio(`text 300 B, ${sockets} sockets`, RELAY, "naive"),
      },
      {
        what: `binary 300 B, ${sockets} sockets, CPU over the naive relay's`,
        bound: 0.7,
        unit: "×",
        value: ratio(`binary 300 B, ${sockets} sockets`, RELAY, "naive"),
      },
    ]),
    {
      what: "set-up with HS256, CPU over the naive relay's",
      bound: 1.4,
      unit: "×",
      value: ratio("set-up of a socket", RELAY, "naive"),
    },
    {
      what: "cold start on Deno 2.1.4, CPU over the naive relay's",
      bound: 2,
      unit: "×",
      value: ratio("cold start to the first socket, CPU", OLD_RELAY, "naive"),
    },
    ...memoryTargets(value, times, many),
    {
      what: "delivery to 1000 viewers, CPU over nginx's",
      bound: 1.05,
      unit: "×",
      value: ratio(`delivery of text 300 B, ${many}`, HUB, "nginx"),
    },
    {
      what: "the same in batches, 20 rows a commit",
      bound: 0.12,
      unit: "×",
      value: ratio(`delivery of text 300 B, 20 rows a commit, ${many}`, BATCHES, "nginx"),
    },
    {
      what: "the same in batches, 20 sends a millisecond apart",
      bound: 0.3,
      unit: "×",
      value: ratio(
        `delivery of text 300 B, 20 sends a millisecond apart, ${many}`,
        BATCHES,
        "nginx",
      ),
    },
    {
      what: "sockets to Realtime, 1000 viewers",
      bound: 1,
      unit: "",
      value: value(`sockets to Realtime, ${many}`, HUB),
    },
    {
      what: "Postgres a change, 1000 viewers over 1",
      bound: 1.1,
      unit: "×",
      value: times(`Postgres, a change seen by ${many}`, hub, `Postgres, a change seen by ${one}`),
    },
    {
      what: "burst of 200 rows in batches, 1000 viewers over 1",
      bound: 1.5,
      unit: "×",
      value: times(`burst of 200 rows to ${many}`, batches, `burst of 200 rows to ${one}`),
    },
    {
      what: "frames lost of 600 rows in one transaction to 1000 viewers",
      bound: 0,
      unit: "%",
      value: whole === undefined ? undefined : 100 - whole,
    },
  ].filter(({ value }) => value !== undefined);
}

/** What sockets may take, on the newest Deno and on Node. */
function memoryTargets(
  value: (scenario: string, peer: RegExp) => number | undefined,
  times: (scenario: string, peer: RegExp, than: string, other: RegExp) => number | undefined,
  many: string,
): Target[] {
  const idle = "memory of an idle socket, 1000 sockets";
  const viewer = `memory of a viewer, ${many}`;
  const over = "over the bare fan-out's";
  return [
    { what: "idle socket", bound: 36, unit: "kB", value: value(idle, RELAY) },
    { what: "idle socket on Node", bound: 18, unit: "kB", value: value(idle, NODE.relay) },
    { what: `viewer, ${over}`, bound: 1.1, unit: "×", value: times(viewer, HUB, viewer, BARE) },
    {
      what: `viewer on Node, ${over}`,
      bound: 1.1,
      unit: "×",
      value: times(viewer, NODE.hub, viewer, NODE.bare),
    },
  ];
}

/** True where the value, as it is shown, is within the bound. */
export const isHeld = ({ value, bound }: Target) => Math.round(value! * 100) / 100 <= bound;

export function targetLines(rows: readonly Row[]): string[] {
  const targets = targetsOf(rows);
  const width = Math.max(...targets.map(({ what }) => what.length));
  return targets.map((target) => {
    const { what, bound, unit, value } = target;
    const line = `${what.padEnd(width)}  ${digits(value!)} of ${bound} ${unit}`.trimEnd();
    return isHeld(target) ? line : `${line}  MISSED`;
  });
}
