/** What a process takes, from /proc: Linux alone has it. */

/** The core of the proxies and the core of the load, where there are two; a proxy has its own. */
export const CORES = navigator.hardwareConcurrency > 1 ? { load: 0, proxy: 1 } : undefined;

/** Puts every thread of the processes on one core. Without `taskset` they run where they like. */
export async function pin(pids: number[], core: number | undefined): Promise<void> {
  if (core === undefined) return;
  for (const pid of pids) {
    const args = ["--all-tasks", "--pid", "--cpu-list", `${core}`, `${pid}`];
    await new Deno.Command("taskset", { args, stdout: "null", stderr: "null" }).output()
      .catch(() => {});
  }
}

/** The process and all that it started, now. */
export function processTree(root: number): number[] {
  const parents = new Map<number, number>();
  for (const { name } of Deno.readDirSync("/proc")) {
    const pid = Number(name);
    if (pid > 0) parents.set(pid, parentOf(pid));
  }
  const tree = [root];
  for (const pid of tree) {
    for (const [child, parent] of parents) if (parent === pid) tree.push(child);
  }
  return tree;
}

/** User and system time of all threads of the processes, in microseconds. */
export function cpuOf(pids: number[]): number {
  return pids.reduce((sum, pid) => sum + cpuOfProcess(pid), 0);
}

/** What the processes have in memory, in kB. */
export function memoryOf(pids: number[]): number {
  return pids.reduce((sum, pid) => {
    const status = read(`/proc/${pid}/status`);
    return sum + Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0);
  }, 0);
}

/** By the scheduler's clock, in ns; utime and stime of `stat` count in hundredths of a second. */
function cpuOfProcess(pid: number): number {
  let sum = 0;
  for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
    sum += Number(read(`/proc/${pid}/task/${name}/schedstat`).split(" ")[0]) / 1000;
  }
  return sum;
}

/** 0 for a process that is not there. */
export function parentOf(pid: number): number {
  // The name of the command, in brackets, may hold anything.
  return Number(read(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ")[1] ?? 0);
}

/** Empty where the process or thread has just ended. */
function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
