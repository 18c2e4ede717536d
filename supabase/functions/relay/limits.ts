import type { Identity } from "./authenticate.ts";
import type { Config } from "./config.ts";
import { type Code, RelayError } from "./errors.ts";

/** Addresses whose handshakes of this minute are counted: about 4 MB. Beyond it the count restarts. */
const MAX_ADDRESSES = 50_000;

/** Senders by HTTP that have a bucket: about 2 MB. Beyond it the oldest begins anew. */
const MAX_SENDERS = 10_000;

const MINUTE_MS = 60_000;

/** The worker's bounds on who may be here at once. All numbers are of this worker alone. */
export interface Limits {
  /** Counts an attempt. Throws `too_many_handshakes`. */
  attempt(address: string | undefined): void;
  /**
   * Takes messages of an HTTP broadcast from its user's bucket, or a viewer's address's; viewers
   * without an address share one. The same rate and burst as on a socket.
   */
  mayBroadcast(identity: Identity, address: string | undefined, messages: number): boolean;
  /** Throws `too_many_sockets` where the worker is full. */
  checkRoom(): void;
  /** Takes a place, or throws `too_many_…`. What it returns gives the place back, once. */
  enter(identity: Identity, address: string | undefined): () => void;
}

export function createLimits(config: Config, maxSockets: number, now: () => number): Limits {
  const users = new Map<string, number>();
  const addresses = new Map<string, number>();
  const senders = new Map<string, Bucket>();
  let attempts = new Map<string, number>();
  let minute = 0;
  let sockets = 0;

  function checkRoom(): void {
    if (sockets >= maxSockets) throw tooMany("too_many_sockets");
  }

  return {
    checkRoom,
    attempt(address) {
      if (address === undefined) return;
      const current = Math.floor(now() / MINUTE_MS);
      if (current !== minute || attempts.size >= MAX_ADDRESSES) attempts = new Map();
      minute = current;
      const count = attempts.get(address) ?? 0;
      if (count >= config.handshakesPerMinute) throw tooMany("too_many_handshakes");
      attempts.set(address, count + 1);
    },
    mayBroadcast(identity, address = "", messages) {
      const sender = identity.kind === "user" ? `user ${identity.id}` : `address ${address}`;
      let bucket = senders.get(sender);
      if (!bucket) {
        if (senders.size >= MAX_SENDERS) senders.delete(senders.keys().next().value!);
        bucket = new Bucket(config.framesPerSecond, config.frameBurst, now);
        senders.set(sender, bucket);
      }
      return bucket.take(messages);
    },
    enter(identity, address) {
      checkRoom();
      const user = identity.kind === "user" ? identity.id : undefined;
      if (countOf(users, user) >= config.maxSocketsPerUser) throw tooMany("too_many_user_sockets");
      if (countOf(addresses, address) >= config.maxSocketsPerAddress) {
        throw tooMany("too_many_address_sockets");
      }
      sockets++;
      add(users, user, 1);
      add(addresses, address, 1);
      let here = true;
      return () => {
        if (!here) return;
        here = false;
        sockets--;
        add(users, user, -1);
        add(addresses, address, -1);
      };
    },
  };
}

/** Allows `perSecond` on average and `burst` at once. */
export class Bucket {
  #tokens: number;
  #last: number;

  constructor(readonly perSecond: number, readonly burst: number, readonly now: () => number) {
    this.#tokens = burst;
    this.#last = now();
  }

  /** Takes one, or so many; returns false, and takes nothing, for what is too much. */
  take(count = 1): boolean {
    const time = this.now();
    // A clock may be set back.
    const passed = Math.max(0, time - this.#last);
    this.#last = time;
    this.#tokens = Math.min(this.burst, this.#tokens + passed * this.perSecond / 1000);
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }
}

function countOf(counts: Map<string, number>, name: string | undefined): number {
  return name === undefined ? 0 : counts.get(name) ?? 0;
}

function add(counts: Map<string, number>, name: string | undefined, change: number): void {
  if (name === undefined) return;
  const count = countOf(counts, name) + change;
  if (count > 0) counts.set(name, count);
  else counts.delete(name);
}

function tooMany(code: Code): RelayError {
  return new RelayError(code, "A bound of this worker is reached.");
}
