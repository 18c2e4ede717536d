/**
 * Preloaded into each function of the local stack (`deno run --preload <this>`, with the stack's
 * process id in a variable), which itself stays a plain Edge Function: ends it when the stack is gone,
 * however that ended, kill -9 included.
 */
const LOOK_EVERY_MS = 1_000;
/** The same name is in functions.ts. Not in this module's address: below node_modules Deno cuts it. */
const VARIABLE = "REALTIME_RELAY_STACK_PID";

const stack = Number(Deno.env.get(VARIABLE));
if (!stack) throw new Error(`${VARIABLE} is not set: whom is this function to end with?`);
Deno.env.delete(VARIABLE);

// An orphan is given another parent. A timer that holds nothing: a function may also end by itself.
Deno.unrefTimer(setInterval(() => {
  if (Deno.ppid !== stack) Deno.exit(0);
}, LOOK_EVERY_MS));
