import type { Config } from "../config/config.ts";
import type { Identity, User } from "../door/identity.ts";
import { sha256 } from "../door/verify/sha256.ts";
import { RelayError } from "../errors.ts";
import type { Awake } from "../peer/awake.ts";
import type { Runtime } from "../runtime.ts";
import { Control } from "./control.ts";
import { Ended } from "./ended.ts";
import { Unable } from "./message.ts";
import { readBack } from "./read_back.ts";

/** Nobody waits longer for what a project may not be able to say. */
const WAIT_MS = 2_000;

/** Transactions commit late, and clocks differ. */
const OVERLAP_MS = 30_000;

/** Between tries where the channel was there, doubling; and where the project cannot say it. */
const RETRY_MS = { first: 1_000, last: 30_000, unable: 300_000 };

/** Which sessions ended, as the database tells it. */
export interface Revocation {
  /**
   * Notes the user's session. Waits for at most 2 s for what ended before this worker began. Throws
   * `signed_out` for a session that has ended.
   */
  check(user: User): Promise<void>;
  /** Throws `signed_out` where the session has ended since it was checked: nobody else saw it then. */
  recheck(identity: Identity): void;
  /** In words, for /health. */
  report(): string;
}

/**
 * Follows the ends of sessions, from the first user on: by one channel of the worker's own, which is
 * joined with the public key, and by reading back what was said while it was not there. `onEnded` is
 * told each hash once.
 */
export function createRevocation(
  config: Config,
  runtime: Runtime,
  awake: Awake,
  onEnded: (hashes: ReadonlySet<string>) => void,
): Revocation {
  if (config.revoke === "off") return notFollowing("off: RELAY_REVOKE");
  if (runtime.timersPerRequest) return notFollowing("off: this host has no channel of its own");
  return new Following(config, runtime, awake, onEnded);
}

const notFollowing = (why: string): Revocation => ({
  check: async () => {},
  recheck() {},
  report: () => why,
});

class Following implements Revocation {
  readonly #ended: Ended;
  #state = "waits for the first user";
  /** Resolves when what was said before this worker is known, or cannot be. */
  #begun: Promise<void> | undefined;
  #isBegun = false;
  /** The database's time up to which all was read. */
  #readTo: number;

  constructor(
    readonly config: Config,
    readonly runtime: Runtime,
    readonly awake: Awake,
    readonly onEnded: (hashes: ReadonlySet<string>) => void,
  ) {
    this.#ended = new Ended(config.revokeMs, runtime.now);
    this.#readTo = runtime.now() - config.revokeMs + OVERLAP_MS;
  }

  report(): string {
    return this.#state;
  }

  async check(user: User): Promise<void> {
    if (user.session === undefined) return;
    user.sessionHash ??= await sha256(user.session);
    this.#begun ??= this.#begin();
    if (!this.#isBegun) await Promise.race([this.#begun, later(WAIT_MS)]);
    this.recheck(user);
  }

  recheck(identity: Identity): void {
    if (identity.kind !== "user" || identity.sessionHash === undefined) return;
    if (this.#ended.has(identity.sessionHash)) throw signedOut();
  }

  async #begin(): Promise<void> {
    this.#state = "begins";
    let waitMs = 0;
    try {
      await this.#read();
    } catch (error) {
      waitMs = this.#fail(error, RETRY_MS.first);
    }
    this.#isBegun = true;
    this.#follow(waitMs);
  }

  async #read(): Promise<void> {
    const since = this.#readTo - OVERLAP_MS;
    for await (const { hashes, at } of readBack(since, this.config, this.runtime.fetch)) {
      this.#note(hashes);
      this.#readTo = at;
    }
  }

  #note(hashes: string[]): void {
    const news = this.#ended.add(hashes);
    if (news.length > 0) this.onEnded(new Set(news));
  }

  /** Returns when to try again, in ms. A project that cannot say it can in minutes at the soonest. */
  #fail(error: unknown, retryMs: number): number {
    const { message } = error as Error;
    this.#state = `off: ${message}`;
    return error instanceof Unable ? RETRY_MS.unable : retryMs;
  }

  /** Keeps the channel joined, for as long as the worker lives. */
  async #follow(waitMs: number): Promise<void> {
    for (let retryMs = RETRY_MS.first;;) {
      await later(waitMs);
      const control = new Control({
        config: this.config,
        runtime: this.runtime,
        awake: this.awake,
        onEnded: (hashes) => this.#note(hashes),
      });
      try {
        await control.join();
        if (await this.#catchUp(control)) retryMs = RETRY_MS.first;
        await control.lost;
        this.#state = "off: the channel was lost, and is joined again";
        waitMs = retryMs * Math.random();
      } catch (error) {
        control.close();
        waitMs = this.#fail(error, retryMs);
      }
      retryMs = Math.min(2 * retryMs, RETRY_MS.last);
    }
  }

  /**
   * Reads what was said before the channel was joined; what is said from then on comes by it, also while
   * nothing can be read. False where it is lost before that.
   */
  async #catchUp({ lost }: Control): Promise<boolean> {
    let isLost = false;
    lost.then(() => isLost = true);
    for (let retryMs = RETRY_MS.first; !isLost; retryMs = Math.min(2 * retryMs, RETRY_MS.last)) {
      try {
        await this.#read();
        this.#state = "on";
        return true;
      } catch (error) {
        await Promise.race([lost, later(this.#fail(error, retryMs))]);
      }
    }
    return false;
  }
}

export function signedOut(): RelayError {
  return new RelayError("signed_out", "The session has ended.");
}

/** True where the user's session is among these. */
export const isOf = (identity: Identity, hashes: ReadonlySet<string>): boolean =>
  identity.kind === "user" && identity.sessionHash !== undefined &&
  hashes.has(identity.sessionHash);

function later(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer: unknown = setTimeout(resolve, ms);
    (timer as { unref?(): void }).unref?.();
  });
}
