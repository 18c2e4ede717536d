/** `deno task site`: the links page as a folder for any static host. */
import { readConfig } from "../../site/config.ts";
import { readOptions, UsageError } from "../stack/cli/options.ts";
import { note } from "../stack/cli/show.ts";
import { buildSite, configIn, OUT } from "./build.ts";

const HELP = `Writes the live links page into a folder that any static host can serve.

deno task site --url URL --key KEY [options]

  --url URL      the project, such as https://abc.supabase.co
  --key KEY      its publishable key
  --mode MODE    postgres_changes or broadcast, the path that scales (default postgres_changes)
  --relay URL    a relay that is elsewhere (default URL/functions/v1/relay)
  --out DIR      the folder (default dist/site)
  --help         prints this

What is not given is taken from the folder's config.json.`;

async function main(): Promise<number> {
  try {
    const { help, out, ...given } = readOptions(Deno.args, {
      url: { type: "string" },
      key: { type: "string" },
      mode: { type: "string" },
      relay: { type: "string" },
      out: { type: "string", default: OUT },
      help: { type: "boolean", default: false },
    });
    if (help) {
      console.log(HELP);
      return 0;
    }
    const config = { ...await configIn(out), ...given };
    readConfig(config);
    const names = await buildSite(out, config);
    console.log(`${out}: ${names.join(", ")}`);
    return 0;
  } catch (error) {
    note(error instanceof Error ? error.message : String(error));
    return error instanceof UsageError ? 2 : 1;
  }
}

Deno.exit(await main());
