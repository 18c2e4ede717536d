import type { CatchUp } from "../catch_up.ts";

const TIME =
  /^(\d{4,}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s?(?:Z|([+-]\d\d)(?::?(\d\d))?)?$/i;

/**
 * A server's time in ms since the epoch, undefined for what is none. One without a zone is UTC, as
 * Supabase's databases are: this machine's zone has no part in it.
 */
export function timeOf(value: unknown): number | undefined {
  const [, date, time, hours = "+00", minutes = "00"] =
    (typeof value === "string" && TIME.exec(value)) || [];
  const parsed = Date.parse(`${date}T${time}${hours}:${minutes}`);
  return Number.isNaN(parsed) ? undefined : parsed;
}

/**
 * The same for one time, whatever its zone: PostgreSQL writes as many digits of a fraction as there are,
 * and a zone in several ways. What is no time is as it was.
 */
export function plainTime(value: unknown): unknown {
  const at = timeOf(value);
  if (at === undefined) return value;
  const [, micros = ""] = /\.(\d*[1-9])?0*(?!\d)/.exec(String(value)) ?? [];
  return `${Math.floor(at / 1_000)}.${micros}`;
}

/**
 * How far a table's clock is ahead of this machine's, in ms, by what its own frames have told: the truth
 * is this or more, since frames take time. What peers write is no clock. No table stands for the
 * database, whose commit times are a clock of their own.
 */
export class Skew {
  readonly #told = new Map<CatchUp | undefined, number>();

  note(time: number, now: number, table?: CatchUp): void {
    this.#told.set(table, Math.max(this.#told.get(table) ?? -Infinity, time - now));
  }

  /** By the database's clock where the table has told nothing. */
  of(table?: CatchUp): number | undefined {
    return this.#told.get(table) ?? this.#told.get(undefined);
  }
}
