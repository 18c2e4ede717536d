import { Violation } from "../invariants.ts";
import type { Party } from "../network/party.ts";
import { ROOMY } from "../world/settings.ts";
import type { Court } from "./court.ts";
import { isScarce } from "./memory.ts";

/** An answer that is not there by the next heartbeat (docs/PROTOCOL.md). */
const HEARTBEAT_MS = 25_000;

/** Nobody named by then: it ends. */
const WAIT_MS = 10_000;

/** A close waits until the client is quiet: what came so shortly before came behind its reason. */
const CLOSE_MS = 1_000;

/** A move takes no longer (docs/PROTOCOL.md). */
const MOVE_MS = 20_000;

/** Refused joins keep a socket of Realtime's for 5 s each: so many, and its heartbeat is overdue. */
const MANY_REFUSALS = 4;

/** To be asked when the hub says that it has lost a socket: it may have given it up. */
export function holdTrunk({ time: { now }, realtime, settings }: Court): void {
  const ended = realtime.dialled.filter(({ end }) =>
    end.closedAt === now || end.closing?.at === now
  );
  const isLost = ended.some(({ end }) => !end.closing);
  const isFull = ended.some(({ end }) => end.bufferedAmount > settings.maxUnsent / 4);
  if (isLost || isFull || ended.length === 0) return;
  const [{ awaits, refusals, wasStalled }] = ended;
  if (awaits < HEARTBEAT_MS) {
    throw new Violation("heartbeat", `a socket was given up with a heartbeat of ${awaits} ms`);
  }
  if (refusals < MANY_REFUSALS || wasStalled || realtime.weather.lateMs > 0) return;
  // Joins may be under way when the first one teaches the hub how many Realtime takes.
  if (settings.maxChannels < ROOMY.maxChannels) return;
  const seen = `a shared socket was given up: ${refusals} joins were refused on it`;
  throw new Violation("neighbours", seen);
}

/** To be asked when a client is told that Realtime does not answer: nothing must have been slow. */
export function holdAnswers(court: Court, party: Party, reason: string): void {
  const { settings, realtime, time } = court;
  if (settings.dialTimeoutMs < ROOMY.dialTimeoutMs || !realtime.isFine) return;
  // Whoever goes over is told that too, where more comes meanwhile, or is said, than may be kept.
  const since = time.awakeFor(MOVE_MS);
  const came = realtime.ledger.since(since, 0);
  const waits = came + party.client.heldBytes + party.saidSince(since);
  if (waits > settings.maxUnsent / 2 || isScarce(court, came, since)) return;
  // One that is at many slow joins answers nothing meanwhile.
  const there = realtime.dialled.filter(({ end: { closedAt = time.now } }) =>
    closedAt === time.now
  );
  if (there.some(({ awaits }) => awaits >= HEARTBEAT_MS)) return;
  throw new Violation("heartbeat", `client ${party.options.index} was closed: ${reason}`);
}

/** To be asked when a client's socket is closed: it may be for what was not heard of it. */
export function holdPatience({ time, settings }: Court, party: Party, reason: string): void {
  const { openedAt, admittedAt = -Infinity, options: { index } } = party;
  const heardAt = party.heardBefore(time.awakeFor(CLOSE_MS));
  const [code] = reason.split(":");
  const letIn = Math.max(openedAt, admittedAt);
  const waits: Record<string, [since: number, ms: number]> = {
    silent: [Math.max(heardAt, admittedAt), settings.maxSilenceS * 1_000],
    join_timeout: [letIn, settings.joinTimeoutMs],
    token_missing: [openedAt, WAIT_MS],
  };
  const [since, ms] = waits[code] ?? [-Infinity, 0];
  const waited = time.now - since - time.stoodKnownSince(since);
  if (waited >= ms) return;
  throw new Violation("patience", `client ${index} was closed after ${waited} ms: ${reason}`);
}
