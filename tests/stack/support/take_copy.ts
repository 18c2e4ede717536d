// A process of its own that takes a copy of a template, for tests of that.
// Arguments: the shelf, the source, a file that tells how often it was made, and whether it ends
// in the midst of making. Prints what is in the copy.
import { join } from "node:path";
import { takeCopy } from "../../support/template.ts";

const [shelf, source, made, ends] = Deno.args;
const dataDir = await takeCopy({
  name: "test",
  sources: [source],
  async make(dataDir) {
    await Deno.writeTextFile(made, "made\n", { append: true });
    await Deno.writeTextFile(join(dataDir, "first"), await Deno.readTextFile(source));
    if (ends) {
      await Deno.remove(dataDir, { recursive: true });
      Deno.exit(1);
    }
    // Long enough that the other comes meanwhile.
    await new Promise((wake) => setTimeout(wake, 300));
    await Deno.writeTextFile(join(dataDir, "second"), "whole", { mode: 0o600 });
  },
}, shelf);
console.log(await Deno.readTextFile(join(dataDir, "first")));
console.log(await Deno.readTextFile(join(dataDir, "second")));
console.log((await Deno.stat(join(dataDir, "second"))).mode! & 0o777);
await Deno.remove(dataDir, { recursive: true });
