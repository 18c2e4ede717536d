import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { resolve } from "node:path";
import { runChild } from "./child.ts";
import { Problem } from "../problem.ts";
import type { Command } from "./command.ts";

/** The Deno for which the stack's lock file was written. */
const DENO = "deno@2.9.6";

/** `dev`: the stack is a program for Deno, which npx fetches. Options are the stack's own. */
export const dev: Command = {
  says: "runs Postgres, REST, Auth, Realtime and the relay here, without Docker",
  async run(args, { home, cwd }) {
    const stack = fileURLToPath(new URL("stack/", home));
    const names = args.map((arg) => arg.split("=")[0]);
    // The package's own folder is npm's to clear away.
    const isPlaced = ["--data", "--project", "--help"].some((name) => names.includes(name));
    const data = isPlaced ? [] : ["--data", ownFolder(resolve(cwd, ".realtime-relay"))];
    console.error(`starting ${DENO} by npx, which fetches it the first time (95 MB on disk) …`);
    return await runChild("npx", [
      ...["-y", DENO, "run", "-A", "--no-prompt", "--frozen"],
      ...["--config", `${stack}deno.json`, "--lock", `${stack}deno.lock`],
      ...[`${stack}tools/stack/main.ts`, ...args, ...data],
    ]);
  },
};

/** A folder for the database and the keys, which git passes over. Throws a Problem where it cannot be. */
function ownFolder(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/.gitignore`, "*\n");
  } catch (error) {
    const why = (error as Error).message;
    throw new Problem(`${folder} cannot be made: ${why}. --data DIR keeps the data elsewhere.`);
  }
  return folder;
}
