import { dirname, join } from "node:path/posix";
import { countIn, type Guard, RELAY } from "./guard.ts";

/** A copy of the repository in a folder of its own, gone at the end of its block. */
export class Copy implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async make(): Promise<Copy> {
    const path = await Deno.makeTempDir({ prefix: "guards-" });
    const { stdout } = await new Deno.Command("git", {
      args: ["ls-files", "--cached", "--others", "--exclude-standard"],
    }).output();
    for (const file of new TextDecoder().decode(stdout).trim().split("\n")) {
      await Deno.mkdir(join(path, dirname(file)), { recursive: true });
      await Deno.copyFile(file, join(path, file)).catch(ignoreGone);
    }
    return new Copy(path);
  }

  /** Does something while the guard is out. */
  async without<T>(guard: Guard, work: () => Promise<T>): Promise<T> {
    const { file, find, replace } = guard;
    const path = join(this.path, RELAY, file);
    const text = await Deno.readTextFile(path);
    if (countIn(text, guard) !== 1) throw new Error(`${file} does not have this once: ${find}`);
    await Deno.writeTextFile(path, text.replace(find, () => replace));
    try {
      return await work();
    } finally {
      await Deno.writeTextFile(path, text);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** Git knows files that are not there any more. */
function ignoreGone(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
