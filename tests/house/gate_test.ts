import assert from "node:assert/strict";
import { gate } from "../../tools/gate/gate.ts";
import { leaksIn } from "../../tools/gate/leaks.ts";
import { readLog } from "../../tools/gate/log.ts";
import { timeTable } from "../../tools/gate/times.ts";
import { finding, orFinding } from "../support/finding.ts";
import { failing, LOG, passing } from "./support/made_up_log.ts";

Deno.test("a log tells what each file did, by the file that a test is in and not its helper's", () => {
  const { counts, files, findings, isWhole } = readLog(LOG);
  assert.deepEqual([counts, isWhole], [{ passed: 3, failed: 6, skipped: 1 }, true]);
  assert.deepEqual(findings, [{ seed: "9", file: "tests/b/helped_test.ts" }]);
  const failed = [...files].flatMap(([file, { failures }]) => failures.map((it) => [file, it]));
  assert.deepEqual(failed, [
    ["tests/a/bad_test.ts", "bad => one"],
    ["tests/a/bad_test.ts", "bad step ... inner"],
    ["tests/a/bad_test.ts", "bad step"],
    ["tests/b/async_test.ts", "(uncaught error)"],
    ["tests/b/async_test.ts", "before"],
    ["tests/b/helped_test.ts", "helped by another file"],
    ["tests/b/throws_test.ts", "(uncaught error)"],
  ]);
});

Deno.test("a log that ends early, or whose failures belong to no file, is not whole", () => {
  assert.equal(readLog("error: Type checking failed.\n").isWhole, false);
  assert.equal(readLog(LOG.slice(0, LOG.indexOf("FAILED | 3"))).isWhole, false);
  const stray = failing("tests/a_test.ts").replace("=> odd ...", "=> even ...");
  assert.equal(readLog(stray).isWhole, false);
});

Deno.test("a finding is told apart whether it was thrown, caught by another error, or printed", async () => {
  const { message } = await orFinding(12, "a wrong frame", () => assert.equal(1, 2)).catch((it) =>
    it
  );
  for (const line of [message, `error: Error: ${message}`, `Caused by: Error: ${message}`]) {
    assert.deepEqual(readLog(line).findings.map(({ seed }) => seed), ["12"], line);
  }
  assert.deepEqual(readLog(`a test of "${message}"`).findings, []);
});

/** Runs the gate on made-up runs: each line printed what is given for it, in its order. */
async function run(lines: string[], outputs: Record<string, string[]>) {
  const asked: string[] = [];
  const printed: string[] = [];
  const isGood = await gate(lines, {
    print: (text) => printed.push(text),
    execute(line) {
      asked.push(line);
      const output = outputs[line]?.shift();
      assert.ok(output !== undefined, `nobody expected: ${line}`);
      return Promise.resolve({ output, isOk: /^ok \|/m.test(output) });
    },
  });
  const told = printed.join("\n").split("\n");
  return { asked, isGood, told, last: told.at(-1) };
}

const LONG = "RELAY_TEST_LONG=1 deno task test:long";

Deno.test("the gate runs each line, and ends with the sum of what passed", async () => {
  const good = await run(["short", LONG], {
    short: [passing("tests/a_test.ts", 2)],
    [LONG]: [passing("tests/a_test.ts", 3)],
  });
  assert.deepEqual([good.asked, good.isGood], [["short", LONG], true]);
  assert.equal(good.last, "5 passed, 0 failed, 2 skipped");
});

Deno.test("a file that fails once and passes alone is told as unsteady, last and loud", async () => {
  const look = "RELAY_TEST_LONG=1 deno test -A tests/a_test.ts";
  const { asked, isGood, told, last } = await run([LONG], {
    [LONG]: [failing("tests/a_test.ts")],
    [look]: [passing("tests/a_test.ts", 2)],
  });
  assert.deepEqual([asked, isGood, last], [[LONG, look], true, "2 passed, 0 failed"]);
  assert.deepEqual(told.slice(-4), [
    "UNSTEADY  tests/a_test.ts failed, and passed when it was run again, alone",
    "            odd",
    "",
    "2 passed, 0 failed",
  ]);
});

Deno.test("a file that fails twice fails the run, and nothing more is run", async () => {
  const look = "deno test -A tests/a_test.ts";
  const { asked, isGood, told, last } = await run(["short", LONG], {
    short: [failing("tests/a_test.ts")],
    [look]: [failing("tests/a_test.ts")],
  });
  assert.deepEqual([asked, isGood, last], [["short", look], false, "1 passed, 1 failed"]);
  assert.ok(told.includes("FAILED    tests/a_test.ts failed twice"));
});

Deno.test("a second look that comes to no end is a failure", async () => {
  const { isGood, last } = await run(["short"], {
    short: [failing("tests/a_test.ts")],
    "deno test -A tests/a_test.ts": ["Killed\n"],
  });
  assert.deepEqual([isGood, last], [false, "1 passed, 1 failed"]);
});

Deno.test("a finding is played again with its seed, and fails the run whatever comes of it", async () => {
  const replay = "RELAY_TEST_LONG=1 RELAY_TEST_SEED=7 deno test -A tests/a_test.ts";
  const first = failing("tests/a_test.ts", `Error: ${finding(7, "twice")}`);
  for (const [again, answer] of [[passing("tests/a_test.ts"), "passed"], [first, "failed again"]]) {
    const { asked, isGood, told, last } = await run([LONG], { [LONG]: [first], [replay]: [again] });
    assert.deepEqual([asked, isGood, last], [[LONG, replay], false, "1 passed, 1 failed"]);
    assert.ok(told.includes(`FINDING   seed=7 in tests/a_test.ts; played again, it ${answer}`));
    assert.ok(told.includes(`            ${replay}`));
  }
});

Deno.test("beside a finding no failure gets a second look, and none is unsteady", async () => {
  const both = failing("tests/a_test.ts") +
    failing("tests/b_test.ts", `Error: ${finding(7, "twice")}`).replaceAll("odd", "strange");
  const { isGood, told } = await run(["short"], {
    short: [both],
    "RELAY_TEST_SEED=7 deno test -A tests/b_test.ts": [passing("tests/b_test.ts")],
  });
  assert.equal(isGood, false);
  assert.ok(told.includes("FAILED    tests/a_test.ts"));
  assert.ok(!told.some((line) => line.startsWith("UNSTEADY")));
});

Deno.test("a finding that a second look makes is one, though the file failed otherwise before", async () => {
  const { isGood, told } = await run(["short"], {
    short: [failing("tests/a_test.ts")],
    "deno test -A tests/a_test.ts": [failing("tests/a_test.ts", `Error: ${finding(5, "late")}`)],
    "RELAY_TEST_SEED=5 deno test -A tests/a_test.ts": [passing("tests/a_test.ts")],
  });
  assert.equal(isGood, false);
  assert.ok(told.some((line) => line.startsWith("FINDING   seed=5 in tests/a_test.ts")));
});

Deno.test("a printed finding fails a run in which every test passed", async () => {
  const { isGood, last } = await run(["short"], {
    short: [`${finding(7, "told and not thrown")}\n${passing("tests/a_test.ts")}`],
  });
  assert.deepEqual([isGood, last], [false, "2 passed, 1 failed, 1 skipped"]);
});

Deno.test("a run that ran nothing, or did not come to its end, fails without a second look", async () => {
  for (const output of ["", "Killed\n", "ok | 0 passed | 0 failed (1ms)\n", LOG.slice(0, -1500)]) {
    const { asked, isGood, last } = await run(["short", LONG], { short: [output] });
    assert.deepEqual([asked, isGood], [["short"], false], output);
    assert.match(last!, /^\d+ passed, [1-9]\d* failed/);
  }
});

/** Made here, so that no file of the project holds what the gate looks for. */
const token = ["eyJ" + "a".repeat(20), "eyJ" + "b".repeat(30)].join(".");
const key = (kind: string) => ["sb", kind, "c".repeat(20)].join("_");

Deno.test("a token or a key in any output fails the run, and is not told again", async () => {
  for (const secret of [token, key("secret"), key("publishable")]) {
    const output = `said ${secret} aloud\n${passing("tests/a_test.ts")}`;
    const [leak] = leaksIn(output);
    assert.ok(leak.startsWith("line 1: said ") && leak.endsWith(" aloud"), leak);
    assert.ok(!leak.includes(secret) && leaksIn(leak).length === 0);
    const { isGood, told, last } = await run(["short"], { short: [output] });
    assert.deepEqual([isGood, last], [false, "2 passed, 1 failed, 1 skipped"]);
    assert.ok(!told.join("\n").includes(secret));
  }
  assert.deepEqual(leaksIn("eyJ.. sb_secret_… sb_publishable_short eyJhbGciOiJ"), []);
});

Deno.test("how long each room and file took is told in columns, the longest first", () => {
  const times = timeTable(
    readLog(`
./tests/hub/a_test.ts => one ... ok (1s)
./tests/hub/a_test.ts => two ... step ... ok (9s)
./tests/hub/a_test.ts => two ... ok (9s)
./tests/hub/b_test.ts => one ... ok (999ms)
./tests/client/c_test.ts => one ... ok (2m3s)
./tests/client/c_test.ts => two ... FAILED (due to 1 failed step) (700ms)
./tests/client/d_test.ts => one ... ignored (0ms)
`).files,
  );
  assert.equal(
    times,
    `
tests/client  124 s
  c_test.ts   124 s
tests/hub      12 s
  a_test.ts    11 s
`.trim(),
  );
});
