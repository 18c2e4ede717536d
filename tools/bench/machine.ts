import { versionOf } from "./peers/program.ts";

/** Where the figures are from. */
export interface Machine {
  date: string;
  cpu: string;
  cores: number;
  kernel: string;
  deno: string;
  /** Processes that wanted to run, on average of a minute, before and after: above 0 others did. */
  load: [before: number, after?: number];
  /** Whether the proxies and the load had a core each. */
  pinned: boolean;
}

export async function describeMachine(): Promise<Machine> {
  const cpu = /^model name\s*: (.+)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1];
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpu ?? Deno.build.arch,
    cores: navigator.hardwareConcurrency,
    kernel: Deno.osRelease(),
    deno: Deno.version.deno,
    load: [loadNow()],
    pinned: navigator.hardwareConcurrency > 1 && await versionOf("taskset", ["-V"]) !== undefined,
  };
}

/** To one decimal. */
export const loadNow = () => Math.round(Deno.loadavg()[0] * 10) / 10;
