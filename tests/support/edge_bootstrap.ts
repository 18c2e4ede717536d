/**
 * Runs the relay as Edge Runtime does: with its globals in place, and with its events, which arrive
 * as lines on stdin: `drain`, or the reason of a `beforeunload`.
 */

import { watchPauses } from "./pauses.ts";

const say = (line: Record<string, unknown>) => console.log(JSON.stringify(line));

let promises = 0;
const EdgeRuntime = {
  waitUntil(promise: Promise<unknown>): void {
    say({ event: "pending", promises: ++promises });
    promise.catch(() => "A rejection settles too.").finally(() => {
      say({ event: "pending", promises: --promises });
    });
  },
};

async function listen(): Promise<void> {
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    for (const reason of text.split("\n").filter(Boolean)) {
      if (reason === "drain") {
        dispatchEvent(new Event("drain"));
        continue;
      }
      // A worker that gets no CPU has no time to drain.
      watchPauses((ms) => say({ event: "paused", ms }));
      say({ event: "unloading" });
      dispatchEvent(new CustomEvent("beforeunload", { detail: { reason } }));
    }
  }
}

Object.assign(globalThis, { EdgeRuntime });
listen();
await import("../../supabase/functions/relay/index.ts");
