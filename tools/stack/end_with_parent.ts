/**
 * Preloaded into each function of the local stack (`deno run --preload <this>?<pid of the stack>`),
 * which itself stays a plain Edge Function: ends it when the stack is gone, however that ended,
 * kill -9 included.
 */
const LOOK_EVERY_MS = 1_000;

const stack = Number(new URL(import.meta.url).search.slice(1));

// An orphan is given another parent. A timer that holds nothing: a function may also end by itself.
Deno.unrefTimer(setInterval(() => {
  if (Deno.ppid !== stack) Deno.exit(0);
}, LOOK_EVERY_MS));
