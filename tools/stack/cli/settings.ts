import { fileURLToPath } from "node:url";
import { join, resolve } from "node:path";
import { openProject, type Project } from "../project/project.ts";
import { DEFAULT_DATA_DIR, readOptions, UsageError } from "./options.ts";

export const HELP =
  `Runs the whole stack on one origin: Postgres, REST, Auth, Realtime, the relay, short links.

deno task dev [options]                      npx realtime-relay dev [options]

  --port N         where it listens on 127.0.0.1 (default 8000; 0 takes any free port)
  --data DIR       where the database and the keys are kept (default .data, by npx
                   .realtime-relay)
  --project DIR    runs the Supabase project in DIR, or above it, in place of short links: its
                   migrations, seeds and functions, on the ports of its config.toml if they are free;
                   data is kept in its supabase/.temp/realtime-relay
  --skip-failing   leaves out the statements of its migrations and seeds that fail, and says which
  --env-file FILE  what its functions find in their environment (default supabase/functions/.env)
  --json           prints what is ready as one JSON object, for programs
  --help           prints this`;

/** What `deno task dev` was asked for. */
export interface Settings {
  /** Undefined: the project's. */
  port: number | undefined;
  dataDir: string;
  json: boolean;
  project: Project | undefined;
  skipFailing: boolean;
}

const DEFAULT_PORT = 8000;
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** Reads the command line and, if one is named, the project. Throws a UsageError, or the project's. */
export function readSettings(args: string[]): Settings | "help" {
  const options = readOptions(args, {
    port: { type: "string" },
    data: { type: "string" },
    project: { type: "string" },
    "skip-failing": { type: "boolean", default: false },
    "env-file": { type: "string" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  });
  const { data, project: directory, json, help } = options;
  if (help) return "help";
  const port = readPort(options.port);
  if (data === "") throw new UsageError("--data wants a directory.");
  if (directory === "") throw new UsageError("--project wants a directory.");
  const project = directory === undefined ? undefined : openProject({
    directory: resolve(base(), directory),
    envFile: options["env-file"] && resolve(base(), options["env-file"]),
  });
  const skipFailing = options["skip-failing"];
  if (!project && (skipFailing || options["env-file"] !== undefined)) {
    throw new UsageError("--skip-failing and --env-file are about a --project.");
  }
  return {
    ...{ project, skipFailing, json },
    port: port ?? (project ? undefined : DEFAULT_PORT),
    dataDir: data !== undefined
      ? resolve(data)
      : project
      ? join(project.directory, ".temp", "realtime-relay")
      : DEFAULT_DATA_DIR,
  };
}

function readPort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = /^\d+$/.test(text) ? Number(text) : NaN;
  if (port <= 65_535) return port;
  throw new UsageError(`--port wants a number from 0 to 65535, not "${text}".`);
}

/** `deno task` runs in the folder of its deno.json: where it was called from is what people mean. */
function base(): string {
  const called = Deno.env.get("INIT_CWD");
  return called && resolve(Deno.cwd()) === resolve(ROOT) ? called : Deno.cwd();
}
