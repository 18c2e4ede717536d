/** Only Linux tells how much memory a process has. */
export const canMeasureMemory = Deno.build.os === "linux";

/** What process `pid` has in memory now, in MiB. */
export function memoryOf(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]) / 1024;
}

/** The most that process `pid` has in memory until `work` is done, in MiB, looked at every 10 ms. */
export async function peakMemory(pid: number, work: () => Promise<void>): Promise<number> {
  let peak = memoryOf(pid);
  const timer = setInterval(() => peak = Math.max(peak, memoryOf(pid)), 10);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return Math.max(peak, memoryOf(pid));
}
