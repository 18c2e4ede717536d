import type { Config } from "./config.ts";
import { RelayError } from "./errors.ts";
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
  /** Begins; settles when every socket is closed or its time is over. Later calls join the first. */
  begin(reason: string): Promise<void>;
}

/**
 * On shutdown no new socket is let in. Clients that negotiated realtime-relay.v1 are told to move,
 * so that they can open the next socket before this one ends; the others are closed with 1012. Both
 * are spread over the time that is left, since they all come back at once otherwise. Where the CPU is
 * used up a tenth of it remains, which is for closing and nothing else.
 */
export function createDrain(
  sessions: ReadonlySet<Session>,
  config: Config,
  uptime: () => number,
): Drain {
  let draining: Promise<void> | undefined;

  function timeLeft(reason: string): number {
    if (reason === "cpu") return 0;
    return (1 - RESERVE) * (reason === "wall_clock" ? uptime() * WALL_CLOCK_LEFT : config.drainMs);
  }

  async function run(reason: string): Promise<void> {
    const left = timeLeft(reason);
    const restart = new RelayError("restart", "The worker is ending.");
    const [movers, others] = [true, false].map((negotiated) =>
      [...sessions].filter((session) => session.negotiated === negotiated)
    );
    if (left > 0) movers.forEach((session) => session.notify("drain", left));
    spread(others, 0, left, restart);
    spread(movers, left * HEAD_START, left, restart);
    await Promise.all([...sessions].map((session) => session.closed));
  }

  return {
    check() {
      if (draining) throw new RelayError("draining", "The worker is ending.");
    },
    begin(reason) {
      return draining ??= run(reason);
    },
  };
}

/** Each session gets its own slice of the time, and a random moment in it. */
function spread(sessions: Session[], from: number, to: number, error: RelayError): void {
  sessions.forEach((session, index) => {
    const at = from + (to - from) * (index + Math.random()) / sessions.length;
    if (to === 0) session.end(error);
    else setTimeout(() => session.end(error), at);
  });
}
