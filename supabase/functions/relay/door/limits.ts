import type { Identity } from "./identity.ts";
import type { Config } from "../config/config.ts";
import { type Code, RelayError } from "../errors.ts";
import { Bucket, openAccount, PRICE } from "../peer/budget.ts";
import type { Place, Places } from "../peer/places.ts";

/** Addresses whose handshakes of this minute are counted: about 4 MB. Beyond it the count restarts. */
const MAX_ADDRESSES = 50_000;

/** Senders by HTTP that are remembered: about 4 MB. Beyond it the oldest begins anew. */
const MAX_SENDERS = 10_000;

/** A byte of a body is read, looked at and sent on, as one of a message in vsn 1.0.0 is. */
const BYTE_PRICE = PRICE.passed + PRICE.scanned;

const MINUTE_MS = 60_000;

/** The worker's bounds on who may be here at once. All numbers are of this worker alone. */
export interface Limits {
  /** Counts an attempt. Throws `too_many_handshakes`. */
  attempt(address: string | undefined): void;
  /**
   * Takes messages of an HTTP broadcast, or bytes of it, from what its user has left, or a viewer's
   * address; viewers without an address share that. The same rate, burst and account as of a socket.
   */
  mayBroadcast(
    identity: Identity,
    address: string | undefined,
    messages: number,
    bytes?: number,
  ): boolean;
  /** Throws `too_many_sockets` where the worker is full. */
  checkRoom(): void;
  /** Takes a place, of the worker, the user and the address, or throws `too_many_…`. */
  enter(identity: Identity, address: string | undefined): Place;
}

export function createLimits(
  config: Config,
  places: Places,
  maxSockets: number,
  now: () => number,
): Limits {
  const users = new Map<string, number>();
  const addresses = new Map<string, number>();
  const senders = new Map<string, { frames: Bucket; work: Bucket }>();
  let attempts = new Map<string, number>();
  let minute = 0;

  function checkRoom(): void {
    if (places.admitted >= maxSockets) throw tooMany("too_many_sockets");
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
    mayBroadcast(identity, address = "", messages, bytes = 0) {
      const name = identity.kind === "user" ? `user ${identity.who}` : `address ${address}`;
      let sender = senders.get(name);
      if (!sender) {
        if (senders.size >= MAX_SENDERS) senders.delete(senders.keys().next().value!);
        const { framesPerSecond, frameBurst, cpuShare } = config;
        const frames = new Bucket(framesPerSecond, frameBurst, now);
        sender = { frames, work: openAccount(cpuShare, now) };
        senders.set(name, sender);
      }
      const { frames, work } = sender;
      return frames.take(messages) && work.take(messages * PRICE.frame + bytes * BYTE_PRICE);
    },
    enter(identity, address) {
      checkRoom();
      const user = identity.kind === "user" ? identity.who : undefined;
      if (countOf(users, user) >= config.maxSocketsPerUser) throw tooMany("too_many_user_sockets");
      if (countOf(addresses, address) >= config.maxSocketsPerAddress) {
        throw tooMany("too_many_address_sockets");
      }
      add(users, user, 1);
      add(addresses, address, 1);
      return places.take("dialling", () => {
        add(users, user, -1);
        add(addresses, address, -1);
      });
    },
  };
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
