/** How a program ended, and what it said. */
export interface Ended {
  code: number;
  out: string;
  err: string;
}

/** Runs a program to its end. */
export async function run(
  program: string,
  args: string[],
  cwd: string,
  uid?: number,
): Promise<Ended> {
  const env = { NO_COLOR: "1", npm_config_update_notifier: "false" };
  const { code, stdout, stderr } = await new Deno.Command(program, { args, cwd, uid, env })
    .output();
  const text = new TextDecoder();
  return { code, out: text.decode(stdout), err: text.decode(stderr) };
}
