/**
 * The relay on Deno, which tells what it has in memory: for each line of stdin, after its garbage was
 * collected. Needs --v8-flags=--expose-gc.
 */
import "../../../../supabase/functions/relay/index.ts";

const { gc } = globalThis as unknown as { gc(): void };

for await (const _line of Deno.stdin.readable) {
  gc();
  console.log(JSON.stringify({ event: "memory", ...Deno.memoryUsage() }));
}
