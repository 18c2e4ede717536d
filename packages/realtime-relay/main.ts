/** `npx realtime-relay`: the first word is a command of commands/. */
import process from "node:process";
import { VERSION } from "../../supabase/functions/relay/say/version.ts";
import type { Command, World } from "./commands/command.ts";
import { dev } from "./commands/dev.ts";
import { doctor } from "./commands/doctor.ts";
import { init } from "./commands/init.ts";
import { remove } from "./commands/remove.ts";
import { serve } from "./commands/serve.ts";
import { Problem, UsageError } from "./problem.ts";

const COMMANDS: Record<string, Command> = { init, remove, doctor, dev, serve };

const help = (): string => {
  const rows = Object.entries(COMMANDS).map(([name, { says }]) => `  ${name.padEnd(7)} ${says}`);
  return `Realtime Relay ${VERSION}: an authenticated relay to Supabase Realtime.

realtime-relay <command> [options]

${rows.join("\n")}

Each has --help.`;
};

async function run([name, ...args]: string[], world: World): Promise<number> {
  if (name === "--version" || name === "-v") world.out(VERSION);
  else if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    world.out(help());
  } else if (!Object.hasOwn(COMMANDS, name)) {
    throw new UsageError(
      `There is no command ${name}: there are ${Object.keys(COMMANDS).join(", ")}.`,
    );
  } else return await COMMANDS[name].run(args, world);
  return 0;
}

try {
  process.exitCode = await run(process.argv.slice(2), {
    cwd: process.cwd(),
    // This file's bundle lies in bin/.
    home: new URL("../", import.meta.url),
    now: new Date(),
    out: (text) => console.log(text),
  });
} catch (error) {
  if (!(error instanceof Problem || error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
