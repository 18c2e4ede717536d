import { type Figure, figureOf, median } from "./statistics.ts";

/** What one scenario measured of one peer. */
export interface Row {
  /** Such as `text 300 B, 100 sockets`. */
  scenario: string;
  /** Its unit, such as `µs CPU a message`. */
  unit: string;
  peer: string;
  figure: Figure;
  /** Medians of the ratios of the rounds, each round taken by both one after the other. */
  ratios: Record<string, number>;
}

/** Which peers the others are compared with. */
export type Yardsticks = Record<string, string>;

/** Collects what the rounds measured: the n-th sample of each peer is of the n-th round. */
export class Samples {
  readonly #scenarios = new Map<string, { unit: string; peers: Map<string, number[]> }>();

  add(scenario: string, unit: string, peer: string, value: number): void {
    const { peers } = this.#scenarios.get(scenario) ??
      this.#scenarios.set(scenario, { unit, peers: new Map() }).get(scenario)!;
    const samples = peers.get(peer) ?? peers.set(peer, []).get(peer)!;
    samples.push(value);
  }

  /** `yardsticks` gives the peer that each name of a ratio stands for. */
  rows(yardsticks: (peer: string) => Yardsticks): Row[] {
    return [...this.#scenarios].flatMap(([scenario, { unit, peers }]) =>
      [...peers].map(([peer, samples]) => ({
        scenario,
        unit,
        peer,
        figure: figureOf(samples),
        ratios: ratiosOf(samples, peers, yardsticks(peer)),
      }))
    );
  }
}

function ratiosOf(samples: number[], peers: Map<string, number[]>, yardsticks: Yardsticks) {
  const ratios: Record<string, number> = {};
  for (const [name, peer] of Object.entries(yardsticks)) {
    const base = peers.get(peer);
    if (base) ratios[name] = median(samples.map((value, round) => value / base[round]));
  }
  return ratios;
}
