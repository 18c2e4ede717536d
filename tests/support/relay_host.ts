import { fileURLToPath } from "node:url";
import { LONG } from "./long.ts";
import { knownPath } from "./shelf.ts";
import { machineEnv } from "../../tools/stack/process.ts";

/** A Deno that can run the relay. `deno` is absent where it could not be had. */
export interface Host {
  name: string;
  deno: string | undefined;
  /** Variables that it always has. */
  env?: Record<string, string>;
  /** What is run in place of a Deno, whose arguments it does not know: the program and its own. */
  instead?: [program: string, ...args: string[]];
}

/** A relay in a process of its own, with everything that it printed. */
export interface RelayProcess {
  /** `127.0.0.1:<port>`. */
  address: string;
  pid: number;
  /** All lines of stdout and stderr so far. */
  output: string[];
  /** Resolves with the first line, old or new, for which `test` is true. */
  line(test: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
  /** Writes a line to its stdin. */
  tell(line: string): Promise<void>;
  /** Sends a signal. An end that follows was asked for. */
  signal(name: Deno.Signal): void;
  /** Resolves with its exit code. */
  exited: Promise<number>;
  /** Ends it, and throws if it had ended by itself before. */
  stop(): Promise<void>;
}

export interface StartOptions {
  /** What runs, and its arguments. Default: the function itself. */
  entry?: string[];
  /** Default: what `deno task relay` allows. */
  permissions?: string[];
  /** How many descriptors it may have. Default: as many as this process. */
  openFiles?: number;
  /** Told each line of stdout and stderr. */
  onLine?: (line: string) => void;
}

/** The function's folder, with a slash at its end. */
export const HOME = fileURLToPath(new URL("../../supabase/functions/relay/", import.meta.url));

/** A relay that does not end by SIGTERM would hang its test: it is killed after twice its drain. */
const END_MS = 16_000;

/** Deno 2.1 stops at the root's lock file, whose version it does not know. */
const ALONE = ["--no-config", "--no-lock"];

/** As in `deno task relay`. */
const HEAP = "--v8-flags=--max-semi-space-size=4";

/** A Deno empties the caches of any other version, which then starts three times as slowly. */
const OLD_CACHES = { DENO_DIR: await cachesOf("2.1.4") };

/** Both ends of what the relay promises to run on: the newest Deno, and what Edge Runtime follows. */
export const hosts: Host[] = [
  { name: "Deno 2.9.6", deno: Deno.execPath() },
  {
    name: "Deno 2.1.4",
    deno: await knownPath("deno-2.1.4", () => findDeno("2.1.4")),
    env: OLD_CACHES,
  },
];

/** Registers a test for each host; one that could not be had is ignored, and its name says so. */
export function testOnHosts(
  name: string,
  test: (host: Host, context: Deno.TestContext) => Promise<void>,
  on = hosts,
): void {
  for (const host of on) {
    const isThere = host.deno !== undefined || host.instead !== undefined;
    const missing = isThere ? "" : ` (skipped: ${host.name} is not to be had)`;
    Deno.test({
      name: `${host.name}: ${name}${missing}`,
      ignore: !isThere,
      fn: (context) => test(host, context),
    });
  }
}

/** The same for the newest alone, and for each in the long run: what is the core's, not the host's. */
export const testOnNewest: typeof testOnHosts = (name, test) =>
  testOnHosts(name, test, LONG ? hosts : hosts.slice(0, 1));

/** Starts the relay as `deno task relay` does, with these variables and no others. */
export async function startRelay(
  host: Host,
  environment: Record<string, string>,
  options: StartOptions = {},
): Promise<RelayProcess> {
  const { onLine } = options;
  const [program, ...args] = host.instead ?? commandOf(host, options);
  // In its own place, so that signals reach it.
  const limited = options.openFiles === undefined
    ? []
    : ["-c", `ulimit -n ${options.openFiles}; exec "$0" "$@"`, program];
  const child = new Deno.Command(limited.length > 0 ? "bash" : program, {
    args: [...limited, ...args],
    cwd: HOME,
    clearEnv: true,
    env: { ...machineEnv(), ...host.env, PORT: "0", ...environment },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stdin = child.stdin.getWriter();
  const output: string[] = [];
  const waiting = new Set<() => void>();
  const note = (line: string) => {
    output.push(line);
    onLine?.(line);
    waiting.forEach((wake) => wake());
  };
  const ended = Promise.all([read(child.stdout, note), read(child.stderr, note), child.status]);
  let exited = false;
  let asked = false;
  ended.then(() => {
    exited = true;
    stdin.close().catch(() => "It broke when its reader ended.");
    waiting.forEach((wake) => wake());
  });

  async function line(test: (line: Record<string, unknown>) => boolean) {
    while (true) {
      const found = output.map(parse).find(test);
      if (found) return found;
      if (exited) throw new Error(`The relay ended:\n${output.join("\n")}`);
      await new Promise<void>((resolve) => waiting.add(resolve));
    }
  }

  function signal(name: Deno.Signal) {
    asked = true;
    try {
      child.kill(name);
    } catch {
      // It has ended already.
    }
  }

  async function stop() {
    const crashed = exited && !asked;
    if (!exited) signal("SIGTERM");
    const timer = setTimeout(() => signal("SIGKILL"), END_MS);
    await ended;
    clearTimeout(timer);
    if (crashed) throw new Error(`The relay ended by itself:\n${output.join("\n")}`);
  }

  const { port } = await line(({ event }) => event === "listening");
  return {
    address: `127.0.0.1:${port}`,
    pid: child.pid,
    output,
    line,
    tell: (line) => stdin.write(new TextEncoder().encode(`${line}\n`)),
    signal,
    exited: child.status.then(({ code }) => code),
    stop,
  };
}

/** What `deno task relay` runs, or another entry with other permissions. */
function commandOf({ deno }: Host, options: StartOptions): [string, ...string[]] {
  const { entry = [`${HOME}index.ts`], permissions = ["--allow-net", "--allow-env"] } = options;
  const config = ["--quiet", "--no-lock", "--config", `${HOME}deno.json`, HEAP];
  return [deno!, "run", ...config, ...permissions, ...entry];
}

/** Caches of its own for a version, beside the packages, which are the same to all. */
async function cachesOf(version: string): Promise<string> {
  const jose = fileURLToPath(import.meta.resolve("jose"));
  const folder = jose.slice(0, jose.indexOf("/npm/")) + `/deno-${version}`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.symlink("../npm", `${folder}/npm`).catch((error) => {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  });
  return folder;
}

/** npx takes a second and a half of CPU to say so, and most test files ask. */
async function findDeno(version: string): Promise<string | undefined> {
  const { stdout } = await new Deno.Command("npx", {
    args: [
      "--yes",
      "--prefer-offline",
      `deno@${version}`,
      "eval",
      ...ALONE,
      "console.log(Deno.execPath())",
    ],
    env: OLD_CACHES,
    stdout: "piped",
    stderr: "null",
  }).output();
  return new TextDecoder().decode(stdout).trim() || undefined;
}

async function read(stream: ReadableStream<Uint8Array>, note: (line: string) => void) {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    lines.forEach(note);
  }
  if (rest) note(rest);
}

function parse(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line);
  } catch {
    return { event: "text", line };
  }
}
