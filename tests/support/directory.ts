/** Runs `work` with a directory of its own, which is gone afterwards. */
export async function withDirectory(work: (directory: string) => Promise<void>) {
  const directory = await Deno.makeTempDir({ prefix: "realtime-relay-test-" });
  try {
    await work(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
