import { leaksIn } from "./leaks.ts";
import { type Counts, readLog } from "./log.ts";
import { note } from "./note.ts";
import { type Execute, settle } from "./settle.ts";
import { timeTable } from "./times.ts";

export interface Hands {
  execute: Execute;
  print(text: string): void;
}

/**
 * Runs the lines, each a command of a shell that tests, until one fails. Prints how long each part
 * of it took and, at the end, what is wrong or unsteady and the sum of what passed. Returns whether
 * all is well.
 */
export async function gate(lines: readonly string[], { execute, print }: Hands): Promise<boolean> {
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  const [bad, unsteady, leaks]: string[][] = [[], [], []];
  const listening: Execute = async (line) => {
    const done = await execute(line);
    leaks.push(...leaksIn(done.output));
    return done;
  };
  for (const line of lines) {
    const done = await listening(line);
    const run = readLog(done.output);
    print(`\n${timeTable(run.files)}\n`);
    const outcome = await settle(line, run, done.isOk, listening);
    for (const name of ["passed", "failed", "skipped"] as const) {
      total[name] += outcome.counts[name];
    }
    bad.push(...outcome.bad);
    unsteady.push(...outcome.unsteady);
    if (outcome.counts.failed > 0) break;
  }
  if (leaks.length > 0) {
    total.failed++;
    bad.push(note("LEAK", "the tests printed a token or a key", leaks));
  }
  print(["", ...bad, ...unsteady, sentence(total)].join("\n\n"));
  return total.failed === 0;
}

/** What CI reads: whether tests ran at all. */
const sentence = ({ passed, failed, skipped }: Counts) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
