import type { CatchUp } from "../catch_up.ts";
import { nameOf } from "../frame.ts";
import type { Source } from "../gap/plan.ts";
import { timeOf } from "../gap/time.ts";
import type { Happening } from "../session/session.ts";
import type { Reading } from "../session/state.ts";

/** Reads tables for the session, which hears what came, and how it ended. */
export class Reader {
  readonly #tell: (happening: Happening) => void;
  readonly #running = new Map<string, AbortController>();

  constructor(tell: (happening: Happening) => void) {
    this.#tell = tell;
  }

  /** Ends one read, or all: nobody hears of it any more. */
  stop(topic?: string, part?: string): void {
    for (const [name, running] of this.#running) {
      if (topic !== undefined && name !== `${part} ${topic}`) continue;
      this.#running.delete(name);
      running.abort();
    }
  }

  async read(reading: Reading): Promise<void> {
    const { topic, part, read, sources } = reading;
    this.stop(topic, part);
    const running = new AbortController();
    this.#running.set(`${part} ${topic}`, running);
    const about = { topic, part, read };
    const { signal } = running;
    let { missing } = reading;
    let source: Source | undefined;
    let failed;
    try {
      await undefined;
      for (source of sources) {
        // At once: what is read may be read again by another clock, and bring older rows.
        if (await this.#isDoubtful(source, signal)) this.#tell({ is: "doubtful", ...about });
        const { catchUp, since, filter, proof, topic, afterId } = source;
        let isProven = proof === undefined;
        for await (const rows of catchUp.read({ since, filter, topic, afterId, signal })) {
          if (signal.aborted) return;
          this.#tell({ is: "rows", ...about, source, rows });
          isProven ||= rows.some((row) => Math.abs(timeOf(row[catchUp.time])! - proof!) < 1_000);
        }
        if (!isProven) missing = "events";
      }
    } catch (error) {
      const { message, isFinal = false } = (error ?? {}) as Error & { isFinal?: boolean };
      const { schema, table } = source!.catchUp;
      failed = { reason: `The catch-up of ${schema}.${table} fails: ${message}`, isFinal };
    }
    if (signal.aborted) return;
    this.#tell(failed ? { is: "failed", ...about, ...failed } : { is: "read", ...about, missing });
  }

  /**
   * Asks for the server's time. Without an answer it is undefined, and not told where it cannot be had:
   * Realtime's replay stands in.
   */
  async time(topic: string, catchUp: CatchUp): Promise<void> {
    const { signal } = new AbortController();
    try {
      for await (const [row] of catchUp.read({ topic: nameOf(topic), since: "", signal })) {
        this.#tell({ is: "time", topic, time: row[catchUp.time] });
      }
    } catch (error) {
      // A gap says what is missing, when there is one.
      if (!(error as { isFinal?: boolean })?.isFinal) this.#tell({ is: "time", topic });
    }
  }

  /** True where there are rows of which no clock tells whether they were missed. */
  async #isDoubtful({ catchUp, filter, since, doubt }: Source, signal: AbortSignal) {
    if (!doubt) return false;
    for await (const [first] of catchUp.read({ since: doubt, filter, signal })) {
      return !!first && (timeOf(first[catchUp.time]) ?? 0) < Date.parse(since);
    }
    return false;
  }
}
