/** `deno task dev`: the local stack, from the command line. */
import { resolve } from "node:path";
import { serveSite } from "../site/serve.ts";
import { watchLauncher } from "./cli/launcher.ts";
import { DEFAULT_DATA_DIR, readOptions, UsageError } from "./cli/options.ts";
import { log, note, progress, ready } from "./cli/show.ts";
import { siteConfig, type StackInfo } from "./info.ts";
import { startStack } from "./stack.ts";

const HELP =
  `Runs the whole stack on one origin: Postgres, REST, Auth, Realtime, the relay, short links.

deno task dev [options]

  --port N     where it listens on 127.0.0.1 (default 8000; 0 takes any free port)
  --data DIR   where the database and the keys are kept (default .data)
  --json       prints what is ready as one JSON object, for programs
  --help       prints this`;

/** The one in supabase/config.toml, so that `supabase db push` finds the database. */
const DATABASE_PORT = 15432;
/** A part that does not end by then is left to its own end: it watches this process. */
const STOP_MS = 20_000;

interface Settings {
  port: number;
  dataDir: string;
  json: boolean;
}

function readSettings(args: string[]): Settings | "help" {
  const options = readOptions(args, {
    port: { type: "string", default: "8000" },
    data: { type: "string", default: DEFAULT_DATA_DIR },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  });
  if (options.help) return "help";
  const port = /^\d+$/.test(options.port) ? Number(options.port) : NaN;
  if (!(port <= 65_535)) {
    throw new UsageError(`--port wants a number from 0 to 65535, not "${options.port}".`);
  }
  if (!options.data) throw new UsageError("--data wants a directory.");
  return { port, dataDir: resolve(options.data), json: options.json };
}

/** Runs until somebody or something ends it. Returns the exit code: 0 if asked to end, else 1. */
async function run({ port, dataDir, json }: Settings): Promise<number> {
  const { asked, end, failed } = await listenForTheEnd();
  let info: StackInfo | undefined;
  const starting = startStack({
    ...{ port, dataDir, progress, log, signal: asked.signal },
    databasePort: DATABASE_PORT,
    site: serveSite(() => info && siteConfig(info)),
  });
  try {
    const stack = await Promise.race([starting, failed]);
    if (typeof stack === "string") throw new Error(stack);
    info = stack.info;
    console.log(json ? JSON.stringify(stack.info) : ready(stack.info, dataDir));
    const crash = await Promise.race([stack.exited, failed, end]);
    await stack.stop();
    if (crash) note(`${crash} Everything else was stopped.`);
    return crash ? 1 : 0;
  } catch (error) {
    if (asked.signal.aborted) return 0;
    note(sentence(error));
    return 1;
  } finally {
    asked.abort();
    await starting.catch(() => {});
  }
}

/** Gathers what may end the stack: signals, the end of its launcher, errors that nobody awaits. */
async function listenForTheEnd() {
  const asked = new AbortController();
  const end = new Promise<void>((resolve) =>
    asked.signal.addEventListener("abort", () => {
      Deno.unrefTimer(setTimeout(() => Deno.exit(1), STOP_MS));
      resolve();
    })
  );
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => asked.abort());
  }
  await watchLauncher(() => asked.abort());
  const failed = new Promise<string>((resolve) =>
    // Such as a connection of some library that was cut when Postgres ended.
    globalThis.addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      resolve(`Something failed on the way: ${sentence(event.reason)}`);
    })
  );
  return { asked, end, failed };
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function main(): Promise<number> {
  try {
    const settings = readSettings(Deno.args);
    if (settings !== "help") return await run(settings);
    console.log(HELP);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    note(error.message);
    return 2;
  }
}

Deno.exit(await main());
