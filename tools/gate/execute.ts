import { dirname } from "node:path";
import type { Execute } from "./settle.ts";

/** Runs the line by bash, with this Deno as `deno`, and passes on what it prints. */
export const execute: Execute = async (line) => {
  console.log(`$ ${line}`);
  const child = new Deno.Command("bash", {
    args: ["-c", `exec 2>&1; ${line}`],
    env: { PATH: `${dirname(Deno.execPath())}:${Deno.env.get("PATH")}` },
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const decoder = new TextDecoder();
  let output = "";
  for await (const bytes of child.stdout) {
    output += decoder.decode(bytes, { stream: true });
    await writeAll(bytes);
  }
  return { output, isOk: (await child.status).success };
};

async function writeAll(bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await Deno.stdout.write(bytes.subarray(sent));
}
