import { fileURLToPath } from "node:url";
import { machineEnv } from "../process.ts";
import { lines } from "../lines.ts";
import type { Log } from "../log.ts";

/** An Edge Function, running as a child process. */
export interface RunningFunction {
  /** `http://127.0.0.1:<port>`, without a path. */
  url: string;
  pid: number;
  /** Resolves with the exit code, whoever ended the child. */
  exited: Promise<number>;
  /** Asks the child to end and, if it has not after three seconds, ends it. May be called twice. */
  stop(): Promise<void>;
  /** SIGKILL, for tests of what happens when a function crashes. */
  kill(): void;
}

/** A function, as `deno run` takes it. */
export interface Runnable {
  name: string;
  /** The module's absolute path. */
  entry: string;
  /** Options of `deno run`: what it may do, and what resolves its imports. */
  options: string[];
}

/** The first start on a machine downloads the function's npm packages before it can listen. */
const READY_MS = 120_000;
/** The relay takes a moment to say goodbye to its sockets; nobody waits longer for Ctrl-C. */
const STOP_MS = 3_000;
/** What Deno advises about a default export that edge_runtime.ts makes a server of. */
const ADVICE = /^warning: Detected export default \{ fetch \}/;

/**
 * Runs `supabase/functions/<name>/index.ts` of this repository with the function's own deno.json, like
 * {@linkcode startRunnable}.
 */
export function startFunction(
  name: "relay" | "redirect",
  env: Record<string, string>,
  log: Log = () => {},
): Promise<RunningFunction> {
  const home = fileURLToPath(new URL(`../../../supabase/functions/${name}/`, import.meta.url));
  const options = ["--allow-net", "--allow-env", "--config", `${home}deno.json`];
  return startRunnable({ name, entry: `${home}index.ts`, options }, env, log);
}

/**
 * Runs a function on a free port of 127.0.0.1, and resolves when it listens. Of a project it sees
 * `env` and nothing else; whatever it prints goes to `log`, line by line. Throws one sentence if it
 * ends before it listens, or has not listened after two minutes.
 */
export async function startRunnable(
  runnable: Runnable,
  env: Record<string, string>,
  log: Log = () => {},
): Promise<RunningFunction> {
  const child = spawn(runnable, env);
  const exited = child.status.then((status) => status.code);
  const kill = () => signal(child, "SIGKILL");
  const stop = async () => {
    const timer = setTimeout(kill, STOP_MS);
    signal(child, "SIGTERM");
    await exited;
    clearTimeout(timer);
  };
  try {
    const port = await listeningPort(runnable.name, child, log);
    return { url: `http://127.0.0.1:${port}`, pid: child.pid, exited, stop, kill };
  } catch (error) {
    await stop();
    throw error;
  }
}

function spawn({ entry, options }: Runnable, env: Record<string, string>): Deno.ChildProcess {
  const watch = new URL("./end_with_parent.ts", import.meta.url).href;
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", ...options, "--preload", watch, entry],
    clearEnv: true,
    // The address is ours to choose: the functions themselves do not care.
    env: {
      ...{ ...machineEnv(), PORT: "0", DENO_SERVE_ADDRESS: "tcp:127.0.0.1:0", ...env },
      // For end_with_parent.ts, which takes it away.
      REALTIME_RELAY_STACK_PID: String(Deno.pid),
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    // Ctrl-C reaches a whole foreground group: the stack alone decides who ends, and in which order.
    detached: true,
  }).spawn();
}

/** Where the child listens, by its line {"event":"listening","port":N}; its other lines go to `log`. */
async function listeningPort(name: string, child: Deno.ChildProcess, log: Log): Promise<number> {
  const port = Promise.withResolvers<number>();
  const read = async (stream: ReadableStream<Uint8Array>) => {
    for await (const line of lines(stream)) {
      if (ADVICE.test(line)) continue;
      const event = parse(line);
      if (event.event === "listening" && typeof event.port === "number") port.resolve(event.port);
      else log({ part: name, ...event });
    }
  };
  // What it said last is logged before its end is reported.
  Promise.all([read(child.stdout), read(child.stderr), child.status]).then(([, , { code }]) =>
    port.reject(new Error(`The function ${name} ended with code ${code} before it listened.`))
  );
  const timer = setTimeout(() => {
    port.reject(new Error(`The function ${name} did not listen within ${READY_MS / 1000} s.`));
  }, READY_MS);
  return await port.promise.finally(() => clearTimeout(timer));
}

function parse(line: string): Record<string, unknown> {
  try {
    const value = JSON.parse(line);
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return value;
  } catch {
    // Not every line is ours: the runtime's own complaints are plain text.
  }
  return { message: line };
}

function signal(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch {
    // It has ended already.
  }
}
