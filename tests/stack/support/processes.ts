import { findProcess } from "../../../tools/stack/process.ts";
import { inTime } from "../../support/in_time.ts";

/** The process that `parent` started and whose command line matches. Throws if there is none. */
export async function childOf(parent: number, command: RegExp): Promise<number> {
  for (const pid of await allPids()) {
    const process = await findProcess(pid);
    if (process?.parent === parent && command.test(process.command)) return pid;
  }
  throw new Error(`No child of process ${parent} matches ${command}.`);
}

/** The same as childOf, of a process that may still be about to start it. */
export function childSoon(parent: number, command: RegExp): Promise<number> {
  const look = async (): Promise<number> => {
    while (await findProcess(parent)) {
      const child = await childOf(parent, command).catch(() => undefined);
      if (child) return child;
      await new Promise((wake) => setTimeout(wake, 20));
    }
    throw new Error(`Process ${parent} ended before it started ${command}.`);
  };
  return inTime(look(), `process ${parent} starts ${command}`);
}

/** Far above the second that an orphan takes; only fails a test. */
const DEADLINE_MS = 30_000;

/** Waits until process `pid` has ended. */
export async function processEnd(pid: number): Promise<void> {
  const late = Date.now() + DEADLINE_MS;
  while (await findProcess(pid)) {
    if (Date.now() > late) throw new Error(`Process ${pid} has not ended.`);
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

async function allPids(): Promise<number[]> {
  if (Deno.build.os === "linux") {
    const names = await Array.fromAsync(Deno.readDir("/proc"), ({ name }) => Number(name));
    return names.filter(Number.isInteger);
  }
  const { stdout } = await new Deno.Command("ps", { args: ["-A", "-o", "pid="] }).output();
  return new TextDecoder().decode(stdout).trim().split(/\s+/).map(Number);
}
