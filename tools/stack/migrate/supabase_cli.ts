import { delimiter, join } from "node:path";
import { machineEnv } from "../process.ts";

// macOS on ARM gets the last version of which the registry has a build for it.
const VERSION = Deno.build.os === "darwin" && Deno.build.arch === "aarch64" ? "2.117.0" : "3.1.0";
// The first run may have to fetch 100 MB; what takes longer than this hangs.
const TIMEOUT_MS = 300_000;
const QUIET = { DO_NOT_TRACK: "1", SUPABASE_TELEMETRY_DISABLED: "1", NO_COLOR: "1" };
// Of the CLI's output, what an error message can hold and somebody will read.
const ERROR_LINES = 8;

/**
 * Applies the pending migrations of `workdir/supabase/migrations` by the real `supabase db push`,
 * which needs no Docker and no account. Fails with the CLI's own words, without the password.
 */
export async function pushMigrations(
  workdir: string,
  databaseUrl: string,
  signal?: AbortSignal,
): Promise<void> {
  const push = ["db", "push", "--workdir", workdir];
  const { success, output } = await supabase(push, databaseUrl, signal);
  if (!success) throw new Error(`supabase db push failed:\n${essence(output, databaseUrl)}`);
}

/**
 * Runs the Supabase CLI on a database, answering yes to its questions: the `supabase` on the PATH,
 * else the pinned one by npx. Fails when neither is there; ends it after five minutes, or when it
 * is asked to by `signal`, and then fails.
 */
export async function supabase(
  args: string[],
  databaseUrl: string,
  signal?: AbortSignal,
): Promise<Ended> {
  const [program, ...prefix] = await findCli();
  const target = await takesRemote(program, signal) ? "--remote" : "--db-url";
  // Its arguments are for all users of the machine to see, its environment is not.
  const url = new URL(databaseUrl);
  const { password } = url;
  url.password = "";
  const all = [...prefix, ...args, "--yes", `${target}=${url}`];
  return await run(program, all, signal, { PGPASSWORD: decodeURIComponent(password) });
}

interface Ended {
  success: boolean;
  /** stdout, then stderr. */
  output: string;
}

async function findCli(): Promise<string[]> {
  if (await onPath("supabase")) return ["supabase"];
  if (await onPath("npx")) return ["npx", "--yes", "--prefer-offline", `supabase@${VERSION}`];
  throw new Error(
    "The Supabase CLI was not found: install it (supabase.com/docs/guides/local-development/cli), " +
      "or Node.js, whose npx fetches it.",
  );
}

async function onPath(program: string): Promise<boolean> {
  for (const directory of (Deno.env.get("PATH") ?? "").split(delimiter)) {
    const found = await Deno.stat(join(directory, program)).catch(() => undefined);
    if (found?.isFile) return true;
  }
  return false;
}

/** CLI 3 calls the option --remote and will drop --db-url; older ones know only that. */
async function takesRemote(program: string, signal?: AbortSignal): Promise<boolean> {
  const version = program === "npx" ? VERSION : (await run(program, ["--version"], signal)).output;
  return Number(version.match(/(\d+)\.\d+\.\d+/)?.[1]) >= 3;
}

async function run(
  program: string,
  args: string[],
  signal?: AbortSignal,
  env: Record<string, string> = {},
): Promise<Ended> {
  signal?.throwIfAborted();
  const child = new Deno.Command(program, {
    args,
    clearEnv: true,
    env: { ...machineEnv(), ...QUIET, ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    // A process group of its own: npx has the work done by a child of its child.
    detached: true,
  }).spawn();
  const end = () => endGroup(child);
  const timer = setTimeout(end, TIMEOUT_MS);
  signal?.addEventListener("abort", end);
  const { success, stdout, stderr } = await child.output().finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
  });
  signal?.throwIfAborted();
  const text = new TextDecoder();
  return { success, output: `${text.decode(stdout)}\n${text.decode(stderr)}` };
}

function endGroup(child: Deno.ChildProcess): void {
  try {
    if (Deno.build.os === "windows") child.kill();
    else Deno.kill(-child.pid, "SIGTERM");
  } catch {
    // It has ended already.
  }
}

/** What the CLI said: the database's error without the statement, or the last lines. */
export function essence(output: string, databaseUrl: string): string {
  const lines = output.split("\n").filter((line) => line.trim() && !line.startsWith("npm "));
  const error = lines.findIndex((line) => line.startsWith("ERROR"));
  const statement = lines.findIndex((line) => line.startsWith("At statement"));
  const told = error < 0
    ? lines.slice(-ERROR_LINES)
    : lines.slice(error, statement < 0 ? undefined : statement).slice(0, ERROR_LINES);
  const { password } = new URL(databaseUrl);
  return told.join("\n").replaceAll(`:${password}@`, ":***@");
}
