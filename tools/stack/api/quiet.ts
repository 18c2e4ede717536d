import { AsyncLocalStorage } from "node:async_hooks";
import { reasonOf } from "../log.ts";

/** Receives what a library says to the console, without the stack traces. */
type Listener = (message: string) => void;

const listeners = new AsyncLocalStorage<Listener | undefined>();
let patched = false;

/**
 * Runs `work` with the console of everything that it calls, and of nothing else, led to `listener`.
 *
 * @supabase/lite has no logger to set: it writes every refused request to the console as an error
 * with its stack. An error alone is dropped, since the answer carries it to whom it concerns.
 */
export function quietly<T>(listener: Listener, work: () => T): T {
  if (!patched) patch();
  return listeners.run(listener, work);
}

/** Runs `work` with the console as it is, also where {@linkcode quietly} runs what calls it. */
export function aloud<T>(work: () => T): T {
  return listeners.run(undefined, work);
}

function patch(): void {
  patched = true;
  for (const level of ["debug", "info", "log", "warn", "error"] as const) {
    const print = console[level];
    console[level] = (...data: unknown[]) => {
      const listener = listeners.getStore();
      if (!listener) return print(...data);
      if (data[0] instanceof Error) return;
      // It may print what it hears.
      aloud(() => listener(data.map(reasonOf).join(" ")));
    };
  }
}
