import { spawn } from "node:child_process";
import process from "node:process";
import { Problem } from "../problem.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs a program on this one's terminal, and returns its exit code. Signals go to it: it decides how it
 * ends. Throws a Problem where it cannot be started.
 */
export function runChild(program: string, args: string[]): Promise<number> {
  const isWindows = process.platform === "win32";
  // Windows runs npx, a script, by its shell alone.
  const child = spawn(program, args, { stdio: "inherit", shell: isWindows && program === "npx" });
  const pass = (signal: NodeJS.Signals) => void child.kill(signal);
  for (const signal of SIGNALS) process.on(signal, pass);
  return new Promise<number>((resolve, reject) => {
    child.once("error", ({ message }) => {
      reject(new Problem(`${program} could not be started: ${message}.`));
    });
    child.once("exit", (code, signal) => resolve(signal ? 1 : code ?? 1));
  }).finally(() => {
    for (const signal of SIGNALS) process.off(signal, pass);
  });
}
