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
 * A source's clock less this machine's, in ms, by what its own frames have told: the truth is this or
 * more, since frames take time. What peers write is no clock.
 */
export class Skew {
  readonly #told = new Map<unknown, number>();

  note(source: unknown, time: number, now: number): void {
    this.#told.set(source, Math.max(this.#told.get(source) ?? -Infinity, time - now));
  }

  /** Of the first source that has told anything. */
  of(...sources: unknown[]): number | undefined {
    return this.#told.get(sources.find((source) => this.#told.has(source)));
  }
}

/** The source of commit times: the database. */
export const DATABASE = "database";
