import process from "node:process";
import type { Command } from "./command.ts";

/** `doctor`: the diagnosis reads the command line and ends the process by itself. */
export const doctor: Command = {
  says: "finds out why a socket fails, and what to do",
  async run(args, { home }) {
    process.argv.splice(2, process.argv.length, ...args);
    await import(new URL("bin/doctor.cjs", home).href);
    // It sets this where it does not end the process itself.
    return Number(process.exitCode ?? 0);
  },
};
