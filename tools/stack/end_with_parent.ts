/**
 * Preloaded into each function of the local stack (`deno run --preload`), which itself stays a plain
 * Edge Function: the stack holds the other end of stdin and the kernel closes it however the stack
 * ends, kill -9 included. So no function outlives its stack.
 */
async function endWithParent(): Promise<never> {
  const ignored = new Uint8Array(64);
  try {
    while (await Deno.stdin.read(ignored) !== null);
  } catch {
    // A pipe that cannot be read has no one at its other end either.
  }
  Deno.exit(0);
}

endWithParent();
