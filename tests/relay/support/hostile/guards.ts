/**
 * Takes out each guard of the relay in turn, in a copy, and asks who notices: the tests that could,
 * and the hostile generator. To be run by hand, from the root: it takes half a minute a guard. Ends
 * with 1 where the generator misses what it was written to find.
 *
 *   deno run -A tests/relay/support/hostile/guards.ts [a word of the file or sentence]
 */
import { Copy } from "./guards/copy.ts";
import { type Guard, testFile } from "./guards/guard.ts";
import { GUARDS } from "./guards/list.ts";

/** The generator plays so many worlds from this seed on: some 15 s, and more of what it is to find. */
const SEED = 1;
const WORLDS = { all: 300, sought: 2_000 };

/** Whoever hangs without its guard has noticed. */
const MOST_MS = 4 * 60_000;

interface Run {
  /** What it printed; undefined where it had to be ended. */
  output: string | undefined;
  isOk: boolean;
}

async function run(cwd: string, ...args: string[]): Promise<Run> {
  const signal = AbortSignal.timeout(MOST_MS);
  const env = { NO_COLOR: "1" };
  const command = new Deno.Command(Deno.execPath(), { args, cwd, env, signal, stderr: "null" });
  const { success, stdout } = await command.output();
  const output = signal.aborted ? undefined : new TextDecoder().decode(stdout).trim();
  return { output, isOk: success };
}

/** The sentence that the generator finds broken, and after how many worlds. */
async function generate(cwd: string, worlds: number, ignored: string[]): Promise<string> {
  const look = ["run", "-A", "--no-check", "tests/relay/support/hostile/guards/look.ts"];
  const { output, isOk } = await run(cwd, ...look, `${SEED}`, `${worlds}`, ...ignored);
  if (output === undefined) return "hangs";
  return isOk ? output : "breaks off";
}

/** True where all of these tests pass. */
async function pass(cwd: string, tests: string[]): Promise<boolean> {
  const { isOk } = await run(cwd, "test", "-A", "--no-check", "--fail-fast", ...tests);
  return isOk;
}

/** What is found with every guard in its place is no sign of a missing one. */
async function foundAnyway(cwd: string): Promise<string[]> {
  const ignored: string[] = [];
  for (;;) {
    const found = await generate(cwd, WORLDS.all, ignored);
    if (found === "") return ignored;
    console.log(`Found with all guards in place, and not looked at: ${found}`);
    ignored.push(found.split(" ")[0]);
  }
}

/** Tests that pass with every guard in its place: others would notice anything. */
async function goodTests(cwd: string, guards: Guard[]): Promise<Set<string>> {
  const good = new Set(guards.flatMap(({ tests }) => tests.map(testFile)));
  for (const test of good) {
    if (await pass(cwd, [test])) continue;
    console.log(`Fails with all guards in place, and is not asked: ${test}`);
    good.delete(test);
  }
  return good;
}

await using copy = await Copy.make();
const [word = ""] = Deno.args;
const guards = GUARDS.filter(({ file, sentence }) => `${file} ${sentence}`.includes(word));
const ignored = await foundAnyway(copy.path);
const good = await goodTests(copy.path, guards);
const width = Math.max(...guards.map(({ file }) => file.length));
console.log(`       ${"file".padEnd(width)}  tests  generator, worlds  without it`);
let missed = 0;
for (const [place, guard] of guards.entries()) {
  const { file, tests, isSought, sentence } = guard;
  await copy.without(guard, async () => {
    const asked = tests.map(testFile).filter((test) => good.has(test));
    const isTested = asked.length > 0 && !await pass(copy.path, asked);
    const worlds = isSought ? WORLDS.sought : WORLDS.all;
    const found = await generate(copy.path, worlds, ignored);
    if (isSought && found === "") missed++;
    const at = `${place + 1}/${guards.length}`.padStart(5);
    const columns = [file.padEnd(width), isTested ? "found" : "-    ", (found || "-").padEnd(17)];
    console.log(`${at}  ${columns.join("  ")}  ${sentence}`);
  });
}
if (missed > 0) Deno.exit(1);
