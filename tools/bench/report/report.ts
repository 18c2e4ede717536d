import type { Machine } from "../machine.ts";
import { nameOf } from "../peers/peer.ts";
import type { Measured } from "../run.ts";
import type { Row, Yardsticks } from "../samples.ts";
import type { Graph } from "../scenarios/cold_start.ts";

/** The result of a run; what `--json` prints. */
export interface Report {
  machine: Machine;
  absent: string[];
  graph?: Graph;
  rows: Row[];
}

export function reportOf({ samples, peers, absent, graph }: Measured, machine: Machine): Report {
  return { machine, absent, graph, rows: samples.rows((peer) => yardsticksOf(peer, peers)) };
}

/** Each is compared with nginx, and with the naive relay on its own Deno, or else on the newest. */
function yardsticksOf(peer: string, peers: Measured["peers"]): Yardsticks {
  const named = (name: string, version = "") =>
    peers.find((it) => it.name === name && it.version.includes(version));
  const naive = named("naive relay", /Deno [\d.]+/.exec(peer)?.[0]) ?? named("naive relay");
  const yardsticks = { nginx: named("nginx"), naive };
  return Object.fromEntries(
    Object.entries(yardsticks).flatMap(([name, it]) => it ? [[name, nameOf(it)]] : []),
  );
}
