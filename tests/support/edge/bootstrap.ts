/**
 * Runs the relay as Edge Runtime does: with its globals in place, and with its events, which arrive
 * as lines on stdin: `drain`, or the reason of a `beforeunload`. README.md says what is whose.
 */

import { watchPauses } from "../pauses.ts";

const say = (line: Record<string, unknown>) => console.log(JSON.stringify(line));

/** How long ago this worker booted, by its own clock, when the relay in it begins. */
let bornBeforeMs = Number(Deno.env.get("EDGE_BORN_BEFORE_MS") ?? 0);

/** Given to waitUntil and not seen to be resolved. */
const watched = new Set<Promise<unknown>>();
let pending = 0;

const EdgeRuntime = {
  waitUntil<T>(promise: T): T {
    if (promise instanceof Promise) {
      watched.add(promise);
      say({ event: "pending", promises: ++pending });
    }
    return promise;
  },
};

/**
 * Sees each promise when it is resolved, as Edge Runtime does: when its resolve function was called,
 * be it with a promise that is still pending. One that is rejected, one that was resolved before it
 * was given, and one that is given twice are pending for ever.
 */
function watchPromises(): void {
  type Hook = (promise: Promise<unknown>) => void;
  type Core = { setPromiseHooks(...hooks: (Hook | null)[]): void };
  const internals = Deno as unknown as { internal: symbol } & Record<symbol, { core: Core }>;
  internals[internals.internal].core.setPromiseHooks(null, null, null, (promise) => {
    if (watched.delete(promise)) say({ event: "pending", promises: --pending });
  });
}

async function listen(): Promise<void> {
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    for (const reason of text.split("\n").filter(Boolean)) {
      if (reason === "drain") {
        dispatchEvent(new Event("drain"));
        continue;
      }
      // A worker that gets no CPU has no time to drain.
      watchPauses((ms) => say({ event: "paused", ms }));
      dispatchEvent(new CustomEvent("beforeunload", { cancelable: true, detail: { reason } }));
      say({ event: "unloading", reason });
    }
  }
}

/** What a worker finds of Deno. */
function mock(): void {
  const version = { deno: "supabase-edge-runtime-1.74.0 (compatible with Deno v2.1.4)" };
  const silent = () => {};
  Object.defineProperty(Deno, "version", { value: { ...Deno.version, ...version } });
  Object.assign(Deno, { exit: silent, addSignalListener: silent, removeSignalListener: silent });
}

const { now } = Date;
Date.now = () => now() - bornBeforeMs;
Object.assign(globalThis, { EdgeRuntime });
mock();
watchPromises();
listen();
await import("../../../supabase/functions/relay/index.ts");
bornBeforeMs = 0;
