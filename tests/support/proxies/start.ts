import { join } from "node:path";
import { lines } from "../../../tools/stack/lines.ts";
import { ownPort } from "./ports.ts";

/** The proxies that Debian packages, and so tests can run. */
export type ProxyName = "nginx" | "caddy" | "haproxy" | "apache";

/** A proxy of its own processes, on a port of 127.0.0.1. They end with this process at the latest. */
export interface Proxy {
  /** `http://127.0.0.1:<port>`. */
  url: string;
  port: number;
  pid: number;
  /** Its temporary directory, with whatever logs its configuration writes there. */
  directory: string;
  /** What it printed so far. */
  output: string[];
  stop(): Promise<void>;
}

/** Where a proxy shall listen, and the one place where it may write. */
export interface Place {
  port: number;
  directory: string;
}

/** Starting takes a fraction of a second; a proxy that does not listen by then never will. */
const READY_MS = 20_000;
const LOOK_MS = 20;
/** None of them has anything to save, and Caddy may wait five seconds for a connection. */
const STOP_MS = 300;
/**
 * Becomes the program; a watcher beside it kills the group, workers and itself included, when stdin
 * ends: that is when it is closed here, or when this process is gone, kill -9 included.
 */
const WATCHED = `exec 3<&0 </dev/null
(read -r nothing <&3; kill -KILL -$$) >/dev/null 2>&1 &
exec "$@" 3<&-`;

/** Programs, and how each runs in the foreground on one configuration and nothing else. */
const PROGRAMS: Record<ProxyName, { program: string; args(file: string, at: Place): string[] }> = {
  nginx: {
    program: "nginx",
    args: (file, { directory }) => [
      ...["-p", directory, "-c", file, "-e", "stderr"],
      ...["-g", "daemon off;"],
    ],
  },
  caddy: {
    program: "caddy",
    args: (file) => ["run", "--config", file],
  },
  haproxy: { program: "haproxy", args: (file) => ["-db", "-f", file] },
  apache: {
    program: "apache2",
    args: (file, { directory }) => [
      ...["-d", directory, "-f", file, "-DFOREGROUND"],
      ...["-C", `DefaultRuntimeDir ${directory}`, "-C", `PidFile ${directory}/pid`],
    ],
  },
};

/** Debian keeps some of them where only root's PATH looks. */
const DIRECTORIES = [...(Deno.env.get("PATH") ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"];

/** The path of a program; undefined where it is not installed. */
export function findProgram(program: string): string | undefined {
  return DIRECTORIES.filter(Boolean).map((directory) => join(directory, program)).find(isFile);
}

/** The same for a proxy, whose program may have another name. */
export const findProxy = (name: ProxyName) => findProgram(PROGRAMS[name].program);

/**
 * Runs a proxy with the configuration that `configure` writes for its place, and resolves when it
 * listens. Rejects with what it printed if it ends before. `stop` ends it and removes its directory.
 */
export async function startProxy(
  name: ProxyName,
  configure: (place: Place) => string,
): Promise<Proxy> {
  const program = findProxy(name);
  if (!program) throw new Error(`${PROGRAMS[name].program} is not installed.`);
  const directory = await Deno.makeTempDir({ prefix: `realtime-relay-${name}-` });
  // Workers of nginx and Apache give up root.
  await Deno.chmod(directory, 0o777);
  const place = { port: ownPort(), directory };
  const file = join(directory, "proxy.conf");
  // HAProxy takes a last line without an end for a file that was cut.
  await Deno.writeTextFile(file, configure(place) + "\n");
  if (name === "caddy") await withoutAdmin(program, file, directory);
  const child = new Deno.Command("sh", {
    args: ["-c", WATCHED, "sh", program, ...PROGRAMS[name].args(file, place)],
    cwd: directory,
    env: homeOf(directory),
    ...{ stdin: "piped", stdout: "piped", stderr: "piped" },
    // A group of its own.
    detached: true,
  }).spawn();
  const output: string[] = [];
  const note = async (stream: ReadableStream<Uint8Array>) => {
    for await (const line of lines(stream)) output.push(line);
  };
  const ended = Promise.all([note(child.stdout), note(child.stderr), child.status]);
  // Where it has gone already, so has the pipe.
  const kill = () => child.stdin.close().catch(() => {});
  const stop = async () => {
    end(child.pid);
    const timer = setTimeout(kill, STOP_MS);
    await ended;
    clearTimeout(timer);
    await kill();
    await Deno.remove(directory, { recursive: true });
  };
  try {
    await untilListening(place.port, ended);
  } catch (error) {
    await stop();
    throw new Error(`${name} did not start: ${(error as Error).message}\n${output.join("\n")}`);
  }
  const url = `http://127.0.0.1:${place.port}`;
  return { url, port: place.port, pid: child.pid, directory, output, stop };
}

/** Where Caddy keeps its state. */
const homeOf = (directory: string) => ({
  ...{ HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory },
});

/** Replaces a Caddyfile by what it means, less the administrator's port, which all would share. */
async function withoutAdmin(program: string, file: string, directory: string): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: ["adapt", "--config", file, "--adapter", "caddyfile"],
    env: homeOf(directory),
  }).output();
  const [text, problem] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (!success) throw new Error(`caddy refuses its configuration: ${problem.trim()}`);
  await Deno.writeTextFile(
    file,
    JSON.stringify({ ...JSON.parse(text), admin: { disabled: true } }),
  );
}

async function untilListening(port: number, ended: Promise<unknown>): Promise<void> {
  let over = false;
  ended.then(() => over = true);
  const late = Date.now() + READY_MS;
  while (true) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      if (over) throw new Error("it ended");
      if (Date.now() > late) throw new Error("it does not listen");
      await new Promise((wake) => setTimeout(wake, LOOK_MS));
    }
  }
}

function end(pid: number): void {
  try {
    Deno.kill(pid, "SIGTERM");
  } catch {
    // It has ended already.
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
