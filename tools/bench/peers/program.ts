import { lines } from "../../stack/lines.ts";
import type { Proxy } from "./peer.ts";

/** What a program says about its version, or undefined where it is not there. */
export async function versionOf(command: string, args: string[]): Promise<string | undefined> {
  try {
    const output = await new Deno.Command(command, { args }).output();
    const text = [output.stdout, output.stderr].map((it) => new TextDecoder().decode(it)).join(" ");
    return /\d+\.\d+[\w.]*/.exec(text)?.[0];
  } catch {
    return undefined;
  }
}

/** A proxy that was told its port; it is there when the port answers. */
export async function startServer(command: string, args: string[], port: number): Promise<Proxy> {
  const child = new Deno.Command(command, { args, stdout: "null", stderr: "null" }).spawn();
  while (!await answers(port)) {
    const ended = await Promise.race([child.status, pause()]);
    if (ended) throw new Error(`${command} ended with code ${ended.code}: ${args.join(" ")}`);
  }
  return { port, pid: child.pid, stop: () => end(child) };
}

/** A program that says where it listens, as the relay does. */
export async function startProgram(
  command: string,
  args: string[],
  env: Record<string, string>,
): Promise<Proxy> {
  const child = new Deno.Command(command, { args, env, stdout: "piped" }).spawn();
  const output = lines(child.stdout);
  const { value } = await output.next();
  if (!value) throw new Error(`${command} ended before it listened.`);
  (async () => {
    for await (const _line of output); // A full pipe would stop it.
  })();
  return { port: JSON.parse(value).port, pid: child.pid, stop: () => end(child) };
}

function end(child: Deno.ChildProcess): Promise<unknown> {
  child.kill("SIGKILL");
  return child.status;
}

const pause = () => new Promise<void>((done) => setTimeout(done, 50));

async function answers(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}
