import { join } from "node:path";
import { findProcess } from "../process.ts";

// A fast shutdown ends every connection and writes a checkpoint: seconds on a slow disk.
const FAST_MS = 10_000;
// An immediate one only ends processes.
const IMMEDIATE_MS = 5_000;
const LOOK_EVERY_MS = 20;

/**
 * Stops a Postgres that outlived the process which started it, and removes a pid file that no
 * Postgres stands behind. Call it while holding the cluster's lock: then whatever runs there is
 * nobody's. Fails when it does not end within 15 s.
 */
export async function clearOrphan(
  directory: string,
  progress: (what: string) => void,
): Promise<void> {
  const file = join(directory, "postmaster.pid");
  const pid = Number((await Deno.readTextFile(file).catch(() => "")).split("\n")[0]);
  if (!pid) return;
  if (await isPostgres(pid, directory)) {
    progress("stopping the Postgres that an earlier run left behind");
    const stopped = await signal(pid, "SIGINT", directory, FAST_MS) ||
      await signal(pid, "SIGQUIT", directory, IMMEDIATE_MS);
    if (!stopped) {
      throw new Error(`Postgres (process ${pid}) of an earlier run does not end: stop it by hand.`);
    }
  }
  // Its number may belong to any other process by now, which Postgres would take for a running
  // server. Postgres' own lock on shared memory still guards the data.
  await Deno.remove(file).catch(() => {});
}

async function signal(
  pid: number,
  name: Deno.Signal,
  directory: string,
  withinMs: number,
): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  try {
    Deno.kill(pid, name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
  while (await isPostgres(pid, directory)) {
    if (Date.now() > deadline) return false;
    await new Promise((wake) => setTimeout(wake, LOOK_EVERY_MS));
  }
  return true;
}

/** Whether process `pid` is a server on this very directory: its command line names it. */
async function isPostgres(pid: number, directory: string): Promise<boolean> {
  const { command = "" } = await findProcess(pid) ?? {};
  return command.includes("postgres") && command.includes(directory);
}
