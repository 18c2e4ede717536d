import { QUIET_MS } from "../peer/close.ts";
import type { Config } from "../config/config.ts";
import { RelayError } from "../errors.ts";
import type { Session } from "./session.ts";

/** Kept back from the time that is left, so that the last close frames still go out. */
const RESERVE = 0.1;

/** Clients that move by themselves are left alone for this part of the time. */
const HEAD_START = 1 / 3;

/** Edge Runtime says that a worker ends when nine tenths of its wall clock are used. */
const WALL_CLOCK_LEFT = 1 / 9;

/** Ends a worker's sockets in good order. */
export interface Drain {
  /** Throws `draining` once the worker is ending. */
  check(): void;
  /**
   * Begins; settles when every socket is closed. A later call shortens the time of those that are
   * left, where its reason leaves less of it, and never lengthens it.
   */
  begin(reason: string): Promise<void>;
}

/**
 * On shutdown no new socket is let in. Clients that negotiated realtime-relay.v1 or .v2 are told to move,
 * so that they can open the next socket before this one ends; the others are closed with 1012. Both
 * are spread over the time that is left, since they all come back at once otherwise. Where the CPU is
 * used up a tenth of it remains, which is for closing and nothing else.
 */
export function createDrain(
  sessions: ReadonlySet<Session>,
  config: Config,
  uptime: () => number,
): Drain {
  /** When the last socket ends, by the worker's own clock; undefined before the first call. */
  let endsAt: number | undefined;
  const timers = new Set<ReturnType<typeof setTimeout>>();

  function timeLeft(reason: string): number {
    if (reason === "cpu") return 0;
    if (reason === "wall_clock") return usable(uptime() * WALL_CLOCK_LEFT);
    // `drain` is how Edge Runtime tells a SIGTERM: it ends after 15 s, and Docker kills it after 10.
    return usable(config.drainMs);
  }

  function run(left: number): void {
    timers.forEach(clearTimeout);
    timers.clear();
    const restart = new RelayError("restart", "The worker is ending.");
    const [movers, others] = [true, false].map((negotiated) =>
      [...sessions].filter((session) => session.negotiated === negotiated)
    );
    if (left > 0) movers.forEach((session) => session.notify("drain", left));
    for (
      const [at, session] of [
        ...spread(others, 0, left),
        ...spread(movers, left * HEAD_START, left),
      ]
    ) {
      if (left === 0) session.end(restart);
      else timers.add(setTimeout(() => session.end(restart), at));
    }
  }

  return {
    check() {
      if (endsAt !== undefined) throw new RelayError("draining", "The worker is ending.");
    },
    async begin(reason) {
      const left = timeLeft(reason);
      if (endsAt === undefined || uptime() + left < endsAt) {
        endsAt = uptime() + left;
        run(left);
      }
      await Promise.all([...sessions].map((session) => session.closed));
    },
  };
}

/** What is left, in ms, less what the last close takes. */
const usable = (ms: number): number => Math.max((1 - RESERVE) * ms - QUIET_MS, 0);

/** Each session gets its own slice of the time, and a random moment in it. */
function spread(sessions: Session[], from: number, to: number): [number, Session][] {
  return sessions.map((session, index) => [
    from + (to - from) * (index + Math.random()) / sessions.length,
    session,
  ]);
}
