/** The gate on real runs of a folder of tests that was made up for it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { withDirectory } from "../support/directory.ts";
import { ROOT } from "./support/tree.ts";

const STEADY = `
  Deno.test("steady", () => {});
  Deno.test.ignore("skipped", () => {});
`;
const UNSTEADY = `
  Deno.test("also steady", () => console.log("ok | 9 passed | 0 failed (1s)"));
  Deno.test("new at first", () => {
    try {
      Deno.mkdirSync("seen");
    } catch {
      return;
    }
    throw new Error("nobody was here before");
  });
`;
const BROKEN = `
  Deno.test("broken", () => { throw new Error("always"); });
`;
/** Registered by a helper, as many tests are. */
const GENERATOR = `
  import { onHost } from "./helper.ts";
  import { givenSeed, orFinding } from "${new URL("../support/finding.ts", import.meta.url)}";
  onHost("a generator", () => {
    Deno.writeTextFileSync("seeds", givenSeed + "\\n", { append: true });
    return orFinding(3, "move 12: two and two", () => {
      if (Deno.env.get("STILL")) throw new Error("are five");
    });
  });
`;
const HELPER = `
  export const onHost = (name: string, test: () => Promise<void>) => Deno.test(name, test);
`;

/** Runs the gate on these files; gives whether it ended with 0, what it printed, and the folder. */
async function gateOn(
  files: Record<string, string>,
  test: (told: { isOk: boolean; lines: string[]; seeds: () => string[] }) => void,
) {
  await withDirectory(async (cwd) => {
    for (const [name, text] of Object.entries(files)) Deno.writeTextFileSync(join(cwd, name), text);
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        `${ROOT}tools/gate/main.ts`,
        "STILL=1 deno test -A --no-check --parallel .",
      ],
      ...{ cwd, env: { DENO_JOBS: "2", NO_COLOR: "1" } },
    }).output();
    const told = new TextDecoder();
    const lines = (told.decode(stdout) + told.decode(stderr)).trimEnd().split("\n");
    const seeds = () => Deno.readTextFileSync(join(cwd, "seeds")).trimEnd().split("\n");
    test({ isOk: success, lines, seeds });
  });
}

const helped = { "helper.ts": HELPER, "steady_test.ts": STEADY };

Deno.test("a real run with an unsteady file passes at a second look, and names it at the end", async () => {
  await gateOn({ ...helped, "unsteady_test.ts": UNSTEADY }, ({ isOk, lines }) => {
    assert.ok(isOk, lines.join("\n"));
    assert.deepEqual(lines.slice(-4), [
      "UNSTEADY  unsteady_test.ts failed, and passed when it was run again, alone",
      "            new at first",
      "",
      "3 passed, 0 failed, 1 skipped",
    ]);
  });
});

Deno.test("a real run with a broken file fails, and names it", async () => {
  await gateOn({ ...helped, "broken_test.ts": BROKEN }, ({ isOk, lines }) => {
    assert.ok(!isOk);
    assert.ok(lines.includes("FAILED    broken_test.ts failed twice"), lines.join("\n"));
    assert.equal(lines.at(-1), "1 passed, 1 failed, 1 skipped");
  });
});

Deno.test("a real run in which a generator finds something fails, after its seed was played again", async () => {
  await gateOn({ ...helped, "generator_test.ts": GENERATOR }, ({ isOk, lines, seeds }) => {
    assert.ok(!isOk);
    assert.deepEqual(seeds(), ["undefined", "3"]);
    const told = lines.find((line) => line.startsWith("FINDING "));
    assert.equal(told, "FINDING   seed=3 in generator_test.ts; played again, it failed again");
    assert.equal(lines.at(-1), "1 passed, 1 failed, 1 skipped");
  });
});
