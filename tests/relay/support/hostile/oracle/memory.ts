import { Violation } from "../invariants.ts";
import type { Party } from "../network/party.ts";
import type { RelayEnd } from "../network/relay_end.ts";
import type { Court } from "./court.ts";

/** What the relay itself says beside what it passes on: replies, notices. */
const OWN_WORDS = 8_192;

/** All peers of a worker together may hold so many times what one may (docs/PROTOCOL.md). */
const SHARE = 4;

/** The sum is counted anew each time that a sixteenth of it was sent. */
const STEP = 17 / 16;

/** A larger frame is handed to as many viewers at a time as there is room for. */
const LOOKS = 1 << 16;

/** A client is closed when it has been quiet, and after this in any case. */
const CLOSE_MS = 1_000;

/** To be asked when something was sent: what waits for one peer, and for all. */
export function holdBound(world: Court, { bufferedAmount }: RelayEnd, whose: string): void {
  const { parties, settings: { maxUnsent }, unsent, realtime: { ledger, mostLines } } = world;
  if (bufferedAmount > maxUnsent + OWN_WORDS) {
    throw new Violation("memory", `${whose} has ${bufferedAmount} bytes unsent`);
  }
  // Above the sum whoever lags is cut off; whoever does not may be sent one frame more, and who only
  // looks shares that with others.
  const isAlone = parties.filter(({ client }) => client.isAlone).length;
  // Whoever finds the hub full has, or had, a socket to Realtime alone, whatever they do.
  const alone = Math.min(parties.length, Math.max(isAlone, mostLines));
  const most = SHARE * maxUnsent * STEP + alone * (ledger.largest + maxUnsent / 16) +
    (parties.length - alone) * LOOKS;
  if (unsent <= most) return;
  throw new Violation("memory", `${unsent} bytes are unsent, to ${parties.length} clients`);
}

/** To be asked when a client has said something, which the relay may keep for a while. */
export function holdHeld(world: Court, { client, options }: Party): void {
  // What waits for a judgement, and what waits for a channel.
  const most = 2 * world.settings.maxUnsent + OWN_WORDS;
  const { heldBytes } = client;
  if (heldBytes <= most || client.isSuspect) return;
  client.isSuspect = true;
  // A socket that is to be closed keeps nothing, which shows when it is.
  const look = () => {
    if (world.time.untilThaw > 0) return world.time.after(world.time.untilThaw + CLOSE_MS, look);
    client.isSuspect = false;
    if (client.heldBytes <= most) return;
    world.broken("memory", `${heldBytes} bytes of client ${options.index} are held`);
  };
  world.time.after(CLOSE_MS, look);
}

/**
 * To be asked when a client is cut off as one who does not read: who only looks, reads at once, and
 * was sent less than may wait for it, is not.
 */
export function holdReader(world: Court, { reads, client, said, options }: Party): void {
  const { realtime, time, settings: { maxUnsent, down, checkMs } } = world;
  // What it says while a token is checked is kept up to the same bound.
  if (!reads || client.isAlone || said > maxUnsent || !realtime.isFine) return;
  const since = time.awakeFor(CLOSE_MS + down + checkMs);
  const sum = realtime.ledger.since(since, OWN_WORDS / 8);
  if (sum > maxUnsent || isScarce(world, sum, since)) return;
  const seen = `client ${options.index} was cut off, and ${sum} bytes had come`;
  throw new Violation("readers", seen);
}

/**
 * Whether there may be no memory for whoever is behind for a moment: what has come since then is held for
 * each socket of the hub, also for those that are closed by now, and so is what others have not read.
 */
export function isScarce(
  { realtime, unsent, settings }: Court,
  sum: number,
  since: number,
): boolean {
  return sum * realtime.linesSince(since) + unsent > SHARE * settings.maxUnsent / 2;
}
