import { fileURLToPath } from "node:url";
import { lines } from "../../stack/lines.ts";
import { CORES, pin } from "../cpu.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

/** A load process: both ends of one proxy. */
export interface Load extends AsyncDisposable {
  /** Where its upstream end listens, on 127.0.0.1. */
  port: number;
  pid: number;
  /** Has it do something, and gives what came of it. Rejects where that failed. */
  tell<T = null>(command: string, options?: Record<string, unknown>): Promise<T>;
}

/** Starts one, of this peer; it ends with this process at the latest. */
export async function startLoad(peer = "load"): Promise<Load> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-lock", "-A", MAIN],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const answers = lines(child.stdout);
  const stdin = child.stdin.getWriter();
  const next = async () => JSON.parse((await answers.next()).value ?? '{"error":"It ended."}');
  const { port, pid } = await next();
  await pin([pid], CORES?.load);
  return {
    port,
    pid,
    async tell(command, options = {}) {
      await stdin.write(
        new TextEncoder().encode(`${JSON.stringify({ do: command, ...options })}\n`),
      );
      const { value, error } = await next();
      if (error) throw new Error(`${peer}, ${command}: ${error}`);
      return value;
    },
    async [Symbol.asyncDispose]() {
      await stdin.close();
      await child.status;
    },
  };
}
