import type { User } from "../identity.ts";

/** Tokens that are remembered: a few MB, 8 at most. The oldest goes first. */
const MOST = 1_000;

/** A user whose token's signature was checked, and from when until when that counts, in ms. */
interface Entry {
  user: Omit<User, "token">;
  from: number;
  until: number;
}

/** Where one token is remembered. */
export interface Slot {
  /** Whom it names, where that was verified, by keys that still count, and it has not expired. */
  user(): User | undefined;
  /** It was verified now, by a key that counts until then (in ms; default: for good). */
  keep(user: User, until?: number): void;
}

/**
 * Tokens whose signature was checked: a page that reconnects, or has several tabs, brings the same one
 * again. Remembered by the whole token, never past its `exp`, and by no key that is another one by now: clear() forgets all, and what is under way then is not kept either.
 */
export class Verified {
  #entries = new Map<string, Entry>();

  constructor(readonly now: () => number) {}

  slotOf(token: string): Slot {
    const entries = this.#entries;
    const { now } = this;
    return {
      user: () => {
        const entry = this.#entries === entries ? entries.get(token) : undefined;
        if (entry && entry.from <= now() && now() < entry.until) return { ...entry.user, token };
        entries.delete(token);
      },
      keep: ({ token: _, ...user }, until = Infinity) => {
        if (entries.size >= MOST) entries.delete(entries.keys().next().value!);
        const most = Math.min(until, user.expiresAt * 1000);
        entries.set(token, { user, from: now(), until: most });
      },
    };
  }

  /** The keys are others. What began before it writes into a map that nobody reads. */
  clear(): void {
    this.#entries = new Map();
  }
}
