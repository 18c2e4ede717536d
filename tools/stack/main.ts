/** `deno task dev`: the local stack, from the command line. */
import { serveSite } from "../site/serve.ts";
import { watchLauncher } from "./cli/launcher.ts";
import { UsageError } from "./cli/options.ts";
import { HELP, readSettings, type Settings } from "./cli/settings.ts";
import { log, note, progress, ready } from "./cli/show.ts";
import { forgetOtherDatabases } from "./process.ts";
import { siteConfig, type StackInfo } from "./info.ts";
import { reasonOf } from "./log.ts";
import { startStack } from "./stack.ts";

/** The one in supabase/config.toml. */
const DATABASE_PORT = 15432;
/** A part that does not end by then is left to its own end: it watches this process. */
const STOP_MS = 20_000;

/** Runs until somebody or something ends it. Returns the exit code: 0 if asked to end, else 1. */
async function run({ json, ...settings }: Settings): Promise<number> {
  const { project, dataDir } = settings;
  const { asked, end, failed } = await listenForTheEnd();
  let info: StackInfo | undefined;
  const starting = startStack({
    ...{ ...settings, progress, log, signal: asked.signal },
    databasePort: DATABASE_PORT,
    site: project ? undefined : serveSite(() => info && siteConfig(info)),
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
    note(reasonOf(error));
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
  const failed = new Promise<string>((resolve) => {
    const hear = (event: Event, reason: unknown) => {
      event.preventDefault();
      resolve(`Something failed on the way: ${reasonOf(reason)}`);
    };
    // Such as a connection of some library that was cut when Postgres ended.
    globalThis.addEventListener("unhandledrejection", (event) => hear(event, event.reason));
    globalThis.addEventListener("error", (event) => hear(event, event.error));
  });
  return { asked, end, failed };
}

async function main(): Promise<number> {
  let settings: Settings | "help";
  try {
    settings = readSettings(Deno.args);
  } catch (error) {
    note(reasonOf(error));
    return error instanceof UsageError ? 2 : 1;
  }
  if (settings === "help") {
    console.log(HELP);
    return 0;
  }
  // Not earlier: config.toml may name them.
  forgetOtherDatabases();
  return await run(settings);
}

Deno.exit(await main());
