// Below the ephemeral range of Linux (32768) and macOS (49152): nothing dials out from here, so
// a port that is free now is not taken by somebody's outgoing connection a moment later.
const LOWEST = 20_000;
const HIGHEST = 32_767;
// Enough to find one on a machine that uses a few hundred ports; above it something is wrong.
const ATTEMPTS = 200;

/** Whether nothing listens on `127.0.0.1:port`. */
export function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}

/**
 * A port on 127.0.0.1 that is free now: `preferred` if it is, else one of 20000-32767 by chance,
 * so that processes that start together seldom meet. It is not reserved.
 */
export function freePort(preferred?: number): number {
  if (preferred !== undefined && isFree(preferred)) return preferred;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST + 1));
    if (isFree(port)) return port;
  }
  throw new Error(`No free port found between ${LOWEST} and ${HIGHEST} on 127.0.0.1.`);
}
