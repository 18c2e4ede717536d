import { fileURLToPath } from "node:url";
import type { StackInfo } from "../../tools/stack/info.ts";
import { lines } from "../../tools/stack/lines.ts";

/** A command of this project as a child process, as somebody at a terminal has it. */
export interface Command {
  pid: number;
  /** What it printed so far, line by line. */
  stdout: string[];
  stderr: string[];
  /** The next line of stdout; undefined once there are no more. */
  line(): Promise<string | undefined>;
  signal(name: Deno.Signal): void;
  exited: Promise<number>;
}

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));

/** Runs `deno …` in the project. */
export const run = (...args: string[]): Command => runWith({}, ...args);

/** The same, with more variables, or others in place of this process's. */
export const runWith = (env: Record<string, string>, ...args: string[]): Command =>
  runIn(PROJECT, env, ...args);

/** The same, in another folder. */
export function runIn(cwd: string, env: Record<string, string>, ...args: string[]): Command {
  const child = new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [stdout, stderr]: string[][] = [[], []];
  const unread: string[] = [];
  let wake = () => {};
  let ended = false;
  const read = async (stream: ReadableStream<Uint8Array>, ...lists: string[][]) => {
    for await (const line of lines(stream)) {
      for (const list of lists) list.push(line);
      wake();
    }
  };
  const output = read(child.stdout, stdout, unread).finally(() => {
    ended = true;
    wake();
  });
  const all = Promise.all([child.status, output, read(child.stderr, stderr)]);
  return {
    pid: child.pid,
    ...{ stdout, stderr },
    async line() {
      while (unread.length === 0 && !ended) await new Promise<void>((resolve) => wake = resolve);
      return unread.shift();
    },
    signal: (name) => child.kill(name),
    exited: all.then(([{ code }]) => code),
  };
}

/** `deno task dev --json`, ready. Without a port it takes a free one. */
export async function dev(dataDir: string, ...options: string[]) {
  const args = ["--port", "0", "--data", dataDir, "--json", ...options];
  const command = run("run", "-A", "tools/stack/main.ts", ...args);
  const line = await command.line();
  if (!line) throw new Error(`deno task dev ended:\n${command.stderr.join("\n")}`);
  return { ...command, info: JSON.parse(line) as StackInfo };
}
