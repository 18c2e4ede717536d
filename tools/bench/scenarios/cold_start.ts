import { fileURLToPath } from "node:url";
import { cpuOf } from "../cpu.ts";
import { nameOf, type Peer } from "../peers/peer.ts";
import { startRig } from "../rig.ts";
import type { Samples } from "../samples.ts";

/** From the start of the process to the first message through its first socket, of code that ran before. */
export async function measureColdStart(
  peers: Peer[],
  rounds: number,
  samples: Samples,
): Promise<void> {
  for (let round = -1; round < rounds; round++) {
    for (const peer of peers) {
      await using rig = await startRig(peer);
      await rig.open(1);
      const ms = performance.now() - rig.startedAt;
      // A Deno keeps what it compiled.
      if (round < 0) continue;
      samples.add(
        "cold start to the first socket, CPU",
        "ms CPU",
        nameOf(rig.peer),
        cpuOf(rig.pids) / 1000,
      );
      samples.add("cold start to the first socket, time", "ms", nameOf(rig.peer), ms);
    }
  }
}

/** What the function is made of. */
export interface Graph {
  /** Its own modules, and their size in kB. */
  modules: number;
  kB: number;
  /** With its packages, as one file. */
  bundledKB: number;
}

export async function moduleGraph(): Promise<Graph> {
  const home = fileURLToPath(new URL("../../../supabase/functions/relay/", import.meta.url));
  const own = [`--config=${home}deno.json`, `${home}index.ts`];
  const { modules } = JSON.parse(await outputOf("info", "--json", "--no-lock", ...own)) as {
    modules: { kind: string; size: number }[];
  };
  const files = modules.filter(({ kind }) => kind === "esm");
  const bundle = await outputOf("bundle", "--quiet", "--minify", ...own);
  return {
    modules: files.length,
    kB: Math.round(files.reduce((sum, { size }) => sum + size, 0) / 1000),
    bundledKB: Math.round(bundle.length / 1000),
  };
}

async function outputOf(...args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args, stderr: "null" }).output();
  return new TextDecoder().decode(stdout);
}
