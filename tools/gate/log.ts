import { stripVTControlCharacters } from "node:util";

/** How many tests came to what. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** What became of the tests of one file. */
export interface FileRun {
  /** Time of its tests together. Deno tells whole seconds, cut off: half of one is added. */
  ms: number;
  passed: number;
  /** Names of the tests and steps that failed. */
  failures: string[];
}

/** The seed with which a generator found something, and the test file, where the log tells it. */
export interface Finding {
  seed: string;
  file?: string;
}

/** What a log tells. */
export interface Run {
  /** Of the last line; none where the run ended before it. */
  counts?: Counts;
  /** By path from the project's folder. */
  files: Map<string, FileRun>;
  findings: Finding[];
  /** Whether the run came to its end, and each failure is one of a file's. */
  isWhole: boolean;
}

const RESULT =
  /^\.\/([\w./-]+) => (.+) \.\.\. (ok|FAILED|cancelled|ignored)(?: \(due to .+\))? \((\S+)\)$/;
const UNCAUGHT = /^Uncaught error from \.\/([\w./-]+) FAILED$/;
const SUMMARY = /^(?:ok|FAILED) \| (\d+) passed.*? \| (\d+) failed(?:.*? \| (\d+) ignored)?/;
/** Above what was thrown, and in the list of failures: the place may be that of a helper. */
const HEADING = /^(?:(.+) => \.\/\S+:\d+:\d+|\.\/(\S+) (\(uncaught error\)))$/;
/** Where an error or a line of output begins; tests/support/finding.ts writes it. */
const FINDING = /^(?:[\w() ]+: )*FINDING seed=([\w-]+)/;

/** Around what the tests themselves print, which may look like anything. */
const OUTPUT = /^-+ (?:post-test )?output -+$/;
const OUTPUT_END = /-+ (?:post-test )?output end -+$/;

/** Reads what `deno test --parallel` printed. */
export function readLog(output: string): Run {
  const files = new Map<string, FileRun>();
  const findings: Finding[] = [];
  const headed: (string | undefined)[] = [];
  let counts: Counts | undefined;
  let isOutput = false;
  for (const line of stripVTControlCharacters(output).split("\n")) {
    const finding = FINDING.exec(line);
    if (finding) findings.push({ seed: finding[1], file: headed.at(-1) });
    isOutput = OUTPUT.test(line) || isOutput && !OUTPUT_END.test(line);
    if (isOutput || takeResult(files, line)) continue;
    const heading = HEADING.exec(line);
    if (heading) headed.push(heading[2] ?? fileOf(files, heading[1]));
    counts = countsOf(line) ?? counts;
  }
  const isWhole = counts !== undefined && !headed.includes(undefined);
  return { counts, files, findings: distinct(findings), isWhole };
}

function countsOf(line: string): Counts | undefined {
  const [summary, ...figures] = SUMMARY.exec(line) ?? [];
  const [passed, failed, skipped] = figures.map((figure) => Number(figure ?? 0));
  return summary === undefined ? undefined : { passed, failed, skipped };
}

/** Takes a line that tells what became of a test, a step, or a whole file. */
function takeResult(files: Map<string, FileRun>, line: string): boolean {
  const uncaught = UNCAUGHT.exec(line);
  const [, path = uncaught?.[1], name = "(uncaught error)", result = "FAILED", time = "0ms"] =
    RESULT.exec(line) ?? [];
  if (path === undefined) return false;
  const file = files.get(path) ?? { ms: 0, passed: 0, failures: [] };
  files.set(path, file);
  const isStep = name.includes(" ... ");
  if (!isStep) file.ms += milliseconds(time);
  if (!isStep && result === "ok") file.passed++;
  if (result === "FAILED" || result === "cancelled") file.failures.push(name);
  return true;
}

/** Reads `416µs`, `26ms`, `9s` or `1m3s`. */
function milliseconds(time: string): number {
  const [, minutes = 0, seconds] = /^(?:(\d+)m)?(\d+)s$/.exec(time) ?? [];
  if (seconds) return (Number(minutes) * 60 + Number(seconds) + 0.5) * 1000;
  return time.endsWith("ms") ? parseInt(time) : 0;
}

const fileOf = (files: Map<string, FileRun>, test: string): string | undefined =>
  [...files].find(([, { failures }]) => failures.includes(test))?.[0];

/** Each once, with its file where any line tells it. */
function distinct(findings: Finding[]): Finding[] {
  const known = findings.filter(({ file }) => file);
  const unknown = findings.filter(({ file, seed }) =>
    !file && !known.some((it) => it.seed === seed)
  );
  return [...new Map([...known, ...unknown].map((it) => [`${it.seed} ${it.file}`, it])).values()];
}
