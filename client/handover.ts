import { contentOf } from "./events.ts";
import type { Frame } from "./frame.ts";
import type { Session } from "./session.ts";

/**
 * While two sockets carry the same topics, events without an identity of their own (UPDATE, DELETE,
 * broadcasts that Realtime does not store) are told apart by their content and by how often it came:
 * what the old socket has delivered more often than the new one has repeated is dropped there.
 */
export type Overlap = Map<string, number>;

/**
 * Before the switch it counts what the old socket delivers, or the application sends and is not to
 * hear; behind it, returns true where the new socket repeats that.
 */
export function repeats({ overlap, next }: Session, frame: Frame): boolean {
  if (!overlap) return false;
  const content = contentOf(frame);
  const ahead = overlap.get(content) ?? 0;
  if (next || ahead > 0) overlap.set(content, ahead + (next ? 1 : -1));
  return !next && ahead > 0;
}

/**
 * After the switch the new socket may be behind the old one by this much: two nodes of a cluster, or
 * a poll of Postgres Changes. Later the same content is a new event.
 */
export const SETTLE_MS = 2_000;

/** The next socket's topics have to be subscribed by then, or it is given up. */
export const READY_MS = 10_000;

/** The last answer of a socket takes a second at worst; one that is silent for longer is dead. */
export const LAST_ANSWER_MS = 3_000;

/**
 * When to move to the next socket where a worker's wall clock is known. A worker takes new sockets
 * in the first half of its life and ends them from 0.9 of it on, so 0.4 later is in time.
 */
export const plannedMove = (wallClockMs: number, random: number): number =>
  wallClockMs * (0.4 - 0.05 * random);

/** When to move after the notice: clients that were told together do not all dial at once. */
export const moveAfterNotice = (deadlineMs: number, random: number): number =>
  deadlineMs * 0.2 * random;
