import type { Awake } from "../peer/awake.ts";
import type { Dialled } from "../realtime/dial.ts";
import type { Vsn } from "../realtime/upstream.ts";
import { Asker } from "./asker.ts";
import type { Pace } from "./pace.ts";

/** An answer of Realtime's is good for newcomers for so long, counted from when it was asked for. */
export const FRESH_MS = 5_000;

/** How long after an answer that settles nothing it is asked again, and how often in all. */
const AGAIN_MS = 1_000;
const TRIES = 3;

/** Each refusal takes one of these sockets for 5 s; so many questions may wait for the next. */
const MAX_ASKERS = 8;
const MAX_WAITING = 32;

/** Realtime gives a right in milliseconds: who waits for longer waits for the refusals of others. */
const WAIT_MS = 1_000;

/** What Realtime says of a viewer's right to a private channel. */
export type Right =
  /** Asked for at `at`, in milliseconds since the epoch. */
  | { isGiven: true; at: number }
  | { isGiven: false; reason: string };

/** Answers that settle nothing: too many joins a second, or a pool that is busy. */
const LATER = /^(ClientJoinRateLimitReached|IncreaseConnectionPool)\b/;

/** True for the reason of a refusal that is to be asked again. */
export function isLater(reason: unknown): boolean {
  return typeof reason === "string" && LATER.test(reason);
}

export interface RightsOptions {
  /** Opens a socket to Realtime. */
  dial(vsn: Vsn): Promise<Dialled>;
  pace: Pace;
  now(): number;
  awake: Pick<Awake, "stoodSince" | "after">;
}

/**
 * Asks Realtime whether a viewer may join a private channel now, on sockets that carry nothing else:
 * Realtime delays a refusal by 5 s, in which its socket, and all who shared it, would hear nothing.
 * At most one question a topic is under way: whoever asks meanwhile gets the same answer.
 */
export class Rights {
  readonly #asked = new Map<string, Promise<Right | undefined>>();
  readonly #askers = new Set<Asker>();
  readonly #waiting = new Set<(asker?: Asker) => void>();

  constructor(readonly options: RightsOptions) {}

  /** Never rejects; undefined where nobody says. */
  ask(topic: string): Promise<Right | undefined> {
    let asked = this.#asked.get(topic);
    if (!asked) {
      asked = this.#ask(topic).finally(() => this.#asked.delete(topic));
      this.#asked.set(topic, asked);
    }
    return asked;
  }

  async #ask(topic: string): Promise<Right | undefined> {
    for (let left = TRIES; left > 0; left--) {
      const asker = await this.#inTurn();
      if (!asker) return undefined;
      const right = await this.#askOnce(asker, topic);
      if (right && (right.isGiven || !isLater(right.reason))) return right;
      if (left > 1) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  /** Who asks next; undefined where that takes longer than to ask by a socket of one's own. */
  async #inTurn(): Promise<Asker | undefined> {
    const { pace } = this.options;
    if (pace.isFull) return undefined;
    await new Promise<void>((resolve) => pace.run(resolve));
    return await this.#free();
  }

  async #askOnce(asker: Asker, topic: string): Promise<Right | undefined> {
    const { now, awake } = this.options;
    let at = 0;
    const reply = await asker.ask(topic, () => at = now()).catch(() => undefined);
    this.#next(asker);
    // What is read after a standstill may be too old for whoever comes now.
    if (!reply || awake.stoodSince(at) !== undefined) return undefined;
    if (reply.status === "ok") return { isGiven: true, at };
    const { reason } = (reply.response ?? {}) as { reason?: unknown };
    return { isGiven: false, reason: String(reason ?? "Realtime refused the join.") };
  }

  /** A socket that is not busy, as soon as there is one; undefined where too many wait, or too long. */
  #free(): Promise<Asker | undefined> | Asker | undefined {
    for (const asker of this.#askers) if (!asker.isBusy) return claim(asker);
    if (this.#askers.size < MAX_ASKERS) {
      const asker = new Asker(this.options.dial, () => this.#askers.delete(asker));
      this.#askers.add(asker);
      return claim(asker);
    }
    if (this.#waiting.size >= MAX_WAITING) return undefined;
    return new Promise((resolve) => {
      const end = (asker?: Asker) => {
        stop();
        this.#waiting.delete(end);
        resolve(asker);
      };
      const stop = this.options.awake.after(WAIT_MS, end);
      this.#waiting.add(end);
    });
  }

  /** Whoever came since the socket has its answer may have taken it. */
  #next(asker: Asker): void {
    if (asker.isBusy) return;
    const [first] = this.#waiting;
    first?.(claim(asker));
  }
}

/** Nobody else takes it before it begins to ask. */
function claim(asker: Asker): Asker {
  asker.isBusy = true;
  return asker;
}
