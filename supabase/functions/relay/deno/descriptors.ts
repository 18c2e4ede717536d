/** Where Linux tells the limit, to a process that may do everything (--allow-all). */
const LIMITS = "/proc/self/limits";

/** What Deno itself holds open; a little more than was counted. */
const OWN = 32;

/** Opened to find out: more than a low limit has. They take 50 ms of CPU, once. */
const MAX_OPENED = 1_100;

/**
 * How many descriptors this process may still open, as the system tells it; undefined where it does
 * not. Deno raises the soft limit to the hard one at its start, and has no way to ask for it.
 */
export function readFree(): number | undefined {
  try {
    // Reading without asking first would prompt who runs it by hand.
    const { state } = Deno.permissions.querySync({ name: "read", path: LIMITS });
    if (state !== "granted") return undefined;
    const [, limit] = /^Max open files\s+(\d+)/m.exec(Deno.readTextFileSync(LIMITS)) ?? [];
    return limit === undefined ? undefined : Number(limit) - OWN;
  } catch {
    return undefined; // Another system, or a permission for files alone, which is not enough here.
  }
}

/** The same, found out by opening listeners until no more can be; undefined beyond a low limit. */
export function countFree(): number | undefined {
  if (Deno.build.os === "windows") return undefined; // There is no such limit.
  const opened: Deno.Listener[] = [];
  try {
    while (opened.length < MAX_OPENED) {
      opened.push(Deno.listen({ hostname: "127.0.0.1", port: 0 }));
    }
  } catch (error) {
    if (/Too many open files/.test(String(error))) return opened.length;
  } finally {
    for (const listener of opened) listener.close();
  }
}

/** What a limit has room for. */
export interface Bounds {
  sockets: number;
  refusals: number;
  /** Sockets that wait for their user's token. */
  waiting: number;
}

/**
 * A socket takes two descriptors, its own and the one to Realtime; an eighth is for refused sockets
 * that wait for their close, three thirty-seconds for those that wait to be named (in a burst twice
 * as many, and as many that have not answered their close), and what is left for everything else:
 * HTTP, health, who only connects.
 */
export function boundsWithin(free: number): Bounds {
  const atLeastOne = (share: number) => Math.max(1, Math.floor(share * free));
  return { sockets: atLeastOne(5 / 16), refusals: atLeastOne(1 / 8), waiting: atLeastOne(1 / 32) };
}

/** Sockets that may wait: what is named, else a quarter of all, and no more than there is room for. */
export function waitingWithin(
  { waiting }: Bounds,
  named: number | undefined,
  maxSockets: number,
): number {
  return Math.min(named ?? Math.ceil(maxSockets / 4), waiting);
}
