import { VERSION } from "../../../supabase/functions/relay/say/version.ts";
import { withDirectory } from "../../support/directory.ts";
import { LONG } from "../../support/long.ts";
import { makeLight, put } from "./light.ts";
import { type Ended, run } from "./run.ts";

/** The package as `deno task build` makes it, or, where that is not LONG, no more than its commands. */
export interface Built {
  /** Where it is, readable to everybody. */
  home: string;
  /** Runs `realtime-relay` on Node with these arguments, in a folder. */
  run(args: string[], cwd: string, uid?: number): Promise<Ended>;
}

/** Builds it into a directory of its own, which is gone afterwards. */
export async function withPackage(test: (built: Built) => Promise<void>): Promise<void> {
  await withDirectory(async (directory) => {
    await Deno.chmod(directory, 0o755);
    const home = `${directory}/realtime-relay`;
    const cli = `${home}/bin/realtime-relay.js`;
    // Loaded where they are needed: TypeScript takes half a second.
    if (LONG) await (await import("../../../tools/build/package.ts")).buildPackage(home);
    else {
      const { bundleForNode } = await import("../../../tools/build/bundle.ts");
      await makeLight(home, VERSION);
      await put(cli, await bundleForNode("packages/realtime-relay/main.ts"));
    }
    await test({ home, run: (args, cwd, uid) => run("node", [cli, ...args], cwd, uid) });
  });
}
