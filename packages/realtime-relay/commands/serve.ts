import process from "node:process";
import { fileURLToPath } from "node:url";
import { runChild } from "./child.ts";
import type { Command } from "./command.ts";
import { UsageError } from "../problem.ts";

const HELP = `Runs the relay as a server of your own, on this Node. All settings are variables:

SUPABASE_URL=https://abc.supabase.co SUPABASE_PUBLISHABLE_KEY=sb_publishable_… realtime-relay serve

  PORT           where it listens (default 8787)
  RELAY_ORIGINS  the pages that may connect (default *)

and all others that docs/CONFIGURATION.md names.`;

/** They bound the room that V8 takes for garbage, at no CPU that could be measured. */
const FLAGS = ["--max-semi-space-size=4", "--heap-growing-percent=20"];

/** `serve`: in a process of its own, since Node takes these flags at its start alone. */
export const serve: Command = {
  says: "runs the relay as a server of your own",
  async run(args, { home, out }) {
    if (args.includes("--help")) {
      out(HELP);
      return 0;
    }
    if (args.length > 0) throw new UsageError(`serve takes variables, not ${args[0]}: --help.`);
    const relay = fileURLToPath(new URL("bin/relay.cjs", home));
    return await runChild(process.execPath, [...FLAGS, relay]);
  },
};
