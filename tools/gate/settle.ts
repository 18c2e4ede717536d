import { type Counts, type Finding, readLog, type Run } from "./log.ts";
import { note } from "./note.ts";

/** Runs a line of a shell; `output` is all that it printed, `isOk` that it ended with 0. */
export type Execute = (line: string) => Promise<{ output: string; isOk: boolean }>;

/** What is to be said of a run. It is well if nothing failed. */
export interface Outcome {
  counts: Counts;
  bad: string[];
  unsteady: string[];
}

/**
 * Decides what a run came to. A finding fails it, after its seed was played again for the record.
 * Else each file that failed gets one second look, alone: what passes then is unsteady, what fails
 * again has failed.
 */
export async function settle(
  line: string,
  run: Run,
  isOk: boolean,
  execute: Execute,
): Promise<Outcome> {
  const counts = run.counts ?? { passed: 0, failed: 0, skipped: 0 };
  const failed = [...run.files].filter(([, { failures }]) => failures.length > 0);
  if (run.findings.length > 0) {
    const found = new Set(run.findings.map(({ file }) => file));
    const others = failed.filter(([file]) => !found.has(file));
    const bad = others.map(([file, { failures }]) => note("FAILED", file, failures));
    bad.push(...await replayAll(line, run.findings, execute));
    return { counts: atLeastOneFailed(counts), bad, unsteady: [] };
  }
  if (isOk && counts.passed > 0) return { counts, bad: [], unsteady: [] };
  if (!run.isWhole || failed.length === 0) {
    const what = `${line} ended early, ran nothing, or failed outside of its tests`;
    return { counts: atLeastOneFailed(counts), bad: [note("FAILED", what)], unsteady: [] };
  }
  return await lookAgain(line, run, counts, execute);
}

/** Runs each file that failed again, alone; its second counts replace its first ones. */
async function lookAgain(
  line: string,
  { files }: Run,
  first: Counts,
  execute: Execute,
): Promise<Outcome> {
  const counts = { ...first, failed: 0 };
  const [bad, unsteady]: string[][] = [[], []];
  for (const [file, { passed, failures }] of files) {
    if (failures.length === 0) continue;
    const done = await execute(alone(line, file));
    const again = readLog(done.output);
    const now = again.counts ?? { passed, failed: 1, skipped: 0 };
    counts.passed += now.passed - passed;
    if (done.isOk && now.passed > 0 && again.findings.length === 0) {
      unsteady.push(note("UNSTEADY", `${file} failed, and ${PASSED_ALONE}`, failures));
      continue;
    }
    counts.failed += atLeastOneFailed(now).failed;
    const found = again.findings.map(({ seed }) => ({ seed, file }));
    bad.push(note("FAILED", `${file} failed twice`, failures));
    bad.push(...await replayAll(line, found, execute));
  }
  return { counts, bad, unsteady };
}

const PASSED_ALONE = "passed when it was run again, alone";

/** Plays what was found again. It says more of the finding, and nothing can undo it. */
async function replayAll(line: string, findings: Finding[], execute: Execute): Promise<string[]> {
  const notes: string[] = [];
  for (const { seed, file } of findings) {
    if (!file) {
      notes.push(note("FINDING", `seed=${seed}, of no file that the log tells`));
      continue;
    }
    const replay = alone(line, file, `RELAY_TEST_SEED=${seed} `);
    const { isOk } = await execute(replay);
    const answer = isOk ? "passed" : "failed again";
    notes.push(note("FINDING", `seed=${seed} in ${file}; played again, it ${answer}`, [replay]));
  }
  return notes;
}

/** The line that runs one file alone, under the variables that the whole run's line begins with. */
function alone(line: string, file: string, more = ""): string {
  const [variables] = /^(?:\w+=\S* )*/.exec(line)!;
  return `${variables}${more}deno test -A ${file}`;
}

const atLeastOneFailed = (counts: Counts): Counts => ({
  ...counts,
  failed: Math.max(1, counts.failed),
});
