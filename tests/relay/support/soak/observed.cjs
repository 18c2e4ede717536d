/** The same on Node: to be required before the relay, with --expose-gc. */
process.stdin.on("data", () => {
  globalThis.gc();
  console.log(JSON.stringify({ event: "memory", ...process.memoryUsage() }));
});
