/**
 * Ports for programs that bind them a moment after they were chosen. Here nobody else takes them
 * meanwhile: freePort() draws from 20000 upwards, outgoing connections and port 0 from 32768.
 */
const LOWEST = 16_000;
/** More than one test holds at once; one block is claimed by each test file that runs. */
const BLOCK = 50;
const BLOCKS = 80;

/**
 * A block of ports of 127.0.0.1 that no other process or test file draws from, until disposed of:
 * the first block that is free, from a random one on.
 */
export function claimPorts(first = Math.floor(Math.random() * BLOCKS)) {
  for (let turn = 0; turn < BLOCKS; turn++) {
    const base = LOWEST + (first + turn) % BLOCKS * BLOCK;
    // Its first port is the claim: the system gives it to one process, and takes it back at its end.
    const claim = listen(base);
    if (claim) return { take: takerOf(base), [Symbol.dispose]: () => claim.close() };
  }
  throw new Error(`All ports from ${LOWEST} to ${LOWEST + BLOCKS * BLOCK} are claimed.`);
}

function takerOf(base: number) {
  let taken = 0;
  return (): number => {
    for (let tries = 1; tries < BLOCK; tries++) {
      const port = base + 1 + taken++ % (BLOCK - 1);
      const probe = listen(port);
      probe?.close();
      if (probe) return port;
    }
    throw new Error(`Something listens on all ports from ${base} to ${base + BLOCK}.`);
  };
}

function listen(port: number): Deno.Listener | undefined {
  try {
    return Deno.listen({ hostname: "127.0.0.1", port });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return undefined;
    throw error;
  }
}

const own = claimPorts();

/**
 * A port of 127.0.0.1 at which nothing listens, and nothing will but what this test file starts
 * there. It comes again after 48 others, if it is free then.
 */
export const ownPort = (): number => own.take();
