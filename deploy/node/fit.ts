import process from "node:process";
import type { Config } from "../../supabase/functions/relay/config/config.ts";
import { boundsWithin, waitingWithin } from "../../supabase/functions/relay/deno/descriptors.ts";

/** What Node itself holds open; a little more than was counted. */
const OWN = 32;

/** What a worker of this kind holds, where nobody says. */
export const MAX_SOCKETS = 10_000;

/** The relay's bounds, as far as this process has descriptors for them. */
export interface Fit {
  maxSockets: number;
  refusalMax: number;
  waitingMax: number;
  /** Connections of every kind, so that enough is left to dial with. */
  connections: number;
  /** Connections to the project for what is passed on; others wait for one of them. */
  passes: number;
  /** What may be opened; undefined where the system has no limit, or does not tell it. */
  descriptors: number | undefined;
}

/** The limit on this process's descriptors, less what is open; Node raises the soft one to the hard. */
function readFree(): number | undefined {
  const report = process.report.getReport() as unknown as {
    userLimits?: { open_files?: { soft: number | "unlimited" } };
  };
  const soft = report.userLimits?.open_files?.soft;
  return typeof soft === "number" ? Math.max(1, soft - OWN) : undefined;
}

export function fit(config: Config, free = readFree()): Fit {
  const within = boundsWithin(free ?? Infinity);
  const { sockets, refusals } = within;
  const named = config.maxSockets;
  // Viewers who share take one descriptor each: a named number may be twice as large.
  const maxSockets = named === undefined
    ? Math.min(MAX_SOCKETS, sockets)
    : Math.min(named, 2 * sockets);
  const refusalMax = Math.min(config.refusalMax, refusals);
  const waitingMax = waitingWithin(within, config.waitingMax, maxSockets);
  const dials = Math.min(maxSockets, sockets);
  const left = (free ?? Infinity) - dials;
  // Whoever is passed on takes two descriptors, and so half of what sockets leave.
  const isPassing = config.pass.length > 0;
  const passes = isPassing ? Math.max(1, Math.floor((left - dials) / 2)) : 0;
  const connections = Math.max(1, isPassing ? Math.ceil((left + dials) / 2) : left);
  return { maxSockets, refusalMax, waitingMax, connections, passes, descriptors: free };
}
