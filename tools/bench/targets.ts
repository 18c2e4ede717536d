import type { Row } from "./samples.ts";
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
const NAIVE = /^naive relay \(Deno 2\.9/;

export function targetsOf(rows: readonly Row[]): Target[] {
  const find = (scenario: string, peer: RegExp) =>
    rows.find((row) => row.scenario === scenario && peer.test(row.peer));
  const ratio = (scenario: string, peer: RegExp, to: string) => find(scenario, peer)?.ratios[to];
  const value = (scenario: string, peer: RegExp) => find(scenario, peer)?.figure.median;
  const times = (scenario: string, peer: RegExp, than: string, other = peer) => {
    const [one, base] = [value(scenario, peer), value(than, other)];
    return one === undefined || base === undefined ? undefined : one / base;
  };
  const setUps = [RELAY, NAIVE].map((peer) => value("set-up of a socket", peer));
  const setUp = setUps.includes(undefined) ? undefined : (setUps[0]! - setUps[1]!) / 1000;
  const [one, many] = ["1 viewer", "1000 viewers"];
  const hub = /^through the hub/;
  const whole = value(`frames of it that arrived at ${many}`, hub);
  return [
    ...[100, 1000].flatMap((sockets) => [
      {
        what: `text 300 B, ${sockets} sockets, CPU over the naive relay's`,
        bound: 1.05,
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
      what: "set-up with HS256, more than the naive relay's",
      bound: 0.5,
      unit: "ms",
      value: setUp,
    },
    {
      what: "idle socket",
      bound: 60,
      unit: "kB",
      value: value("memory of an idle socket, 1000 sockets", RELAY),
    },
    {
      what: "delivery to 1000 viewers, CPU over nginx's",
      bound: 0.55,
      unit: "×",
      value: ratio(`delivery of text 300 B, ${many}`, HUB, "nginx"),
    },
    { what: "viewer", bound: 26, unit: "kB", value: value(`memory of a viewer, ${many}`, HUB) },
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
      what: "burst of 200 rows, 1000 viewers over 1",
      bound: 2,
      unit: "×",
      value: times(`burst of 200 rows to ${many}`, hub, `burst of 200 rows to ${one}`),
    },
    {
      what: "frames lost of 600 rows in one transaction to 1000 viewers",
      bound: 0,
      unit: "%",
      value: whole === undefined ? undefined : 100 - whole,
    },
  ].filter(({ value }) => value !== undefined);
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
