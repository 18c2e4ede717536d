/** The same on Node: to be required before the relay, with --expose-gc. */
process.stdin.on("data", () => {
  globalThis.gc();
  const { rss, heapUsed, external } = process.memoryUsage();
  console.log(JSON.stringify({ event: "memory", rss, heap: heapUsed + external }));
});
