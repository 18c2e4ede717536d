import type { Log } from "../log.ts";
import { reasonOf } from "../log.ts";
import { within } from "../within.ts";
import type { RunningFunction } from "./functions.ts";

/** A function that runs once somebody asks for it. */
export interface LazyFunction {
  /** Where it listens, started if it does not run. Throws one sentence if it does not come up. */
  open(): Promise<string>;
  /** Lets the next who asks have a new one; the old one ends once it has answered. */
  renew(): void;
  /** Ends it, and those before it. */
  stop(): Promise<void>;
}

/** What is being answered while files change is answered; sockets are cut, as when a worker ends. */
const GRACE_MS = 2_000;

/**
 * A project may have many functions, most of which nobody calls today. Whoever asks while it starts
 * waits for the same start; after a crash the next who asks starts it anew.
 */
export function lazily(
  name: string,
  start: () => Promise<RunningFunction>,
  log: Log,
): LazyFunction {
  let running: Promise<RunningFunction> | undefined;
  const retired = new Set<Promise<void>>();
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  const launch = () => {
    const starting = start();
    const forget = (line: Record<string, unknown>) => {
      if (running !== starting) return;
      log({ part: name, ...line });
      running = undefined;
    };
    starting.then(
      ({ exited }) => exited.then((code) => forget({ event: "ended", code })),
      (error) => forget({ event: "not started", reason: reasonOf(error) }),
    );
    return starting;
  };
  const retire = async (old: Promise<RunningFunction>) => {
    const process = await old.catch(() => undefined);
    await within(GRACE_MS, stopped);
    await process?.stop();
  };
  const renew = () => {
    if (!running) return;
    const ended = retire(running);
    running = undefined;
    retired.add(ended);
    ended.then(() => retired.delete(ended));
  };
  return {
    open: async () => (await (running ??= launch())).url,
    renew,
    async stop() {
      stop();
      renew();
      await Promise.all(retired);
    },
  };
}
