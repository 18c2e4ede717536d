import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../../tools/doctor/main.ts", import.meta.url));

export interface Finished {
  code: number;
  stdout: string;
  stderr: string;
}

/** The real command in a process of its own, with more in its environment; the signal ends it. */
export async function runCommand(
  args: string[],
  env: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Finished> {
  const { code, stdout, stderr } = await command(args, env, "piped", signal).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, stdout: out, stderr: err };
}

/** The same, for who ends it before its time. */
export const startCommand = (args: string[], env: Record<string, string>) =>
  command(args, env, "null").spawn();

function command(
  args: string[],
  env: Record<string, string>,
  output: "piped" | "null",
  signal?: AbortSignal,
) {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, ...args],
    ...{ env, signal },
    ...{ stdin: "null", stdout: output, stderr: output },
  });
}
