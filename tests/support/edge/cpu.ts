/** The limits of a worker on its CPU, in ms; as hosted they are 1,000 and 2,000. */
export interface CpuLimits {
  softMs: number;
  hardMs: number;
}

/** The part of the hard limit at which a worker is told. */
export const TOLD_AT = 9 / 10;

/** What Linux counts CPU in. */
const TICK_MS = 10;

const LOOK_MS = 20;

/** Looks at how much CPU a process has taken since now, in ms. Returns what ends that. */
export function watchCpu(pid: number, onLook: (ms: number) => void): () => void {
  const before = cpuOf(pid);
  const timer = setInterval(() => {
    try {
      onLook(cpuOf(pid) - before);
    } catch {
      clearInterval(timer); // It has ended.
    }
  }, LOOK_MS);
  return () => clearInterval(timer);
}

/** In user mode and in the kernel; the name of the program, in brackets, may hold blanks. */
function cpuOf(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const [user, system] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13);
  return (Number(user) + Number(system)) * TICK_MS;
}
