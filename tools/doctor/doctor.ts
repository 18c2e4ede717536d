import { diagnose } from "./diagnose.ts";
import { hiderOf } from "./hide.ts";
import { HELP, type Options, readOptions, UsageError } from "./options.ts";
import { toJson, toText } from "./report.ts";
import { judge } from "./verdict.ts";

/** Where the doctor is run from. */
export interface Surroundings {
  environment: Record<string, string | undefined>;
  /** What was asked for. */
  out(text: string): void;
  /** What goes on meanwhile. */
  err(text: string): void;
  colour: boolean;
}

/** The command: arguments in, text out, exit code back. 0 healthy, 1 a problem, 2 could not look. */
export async function doctor(args: string[], around: Surroundings): Promise<0 | 1 | 2> {
  let options: Options | "help";
  try {
    options = readOptions(args, around.environment);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    for (const problem of error.problems) around.err(problem);
    return 2;
  }
  if (options === "help") {
    around.out(HELP);
    return 0;
  }
  const hide = hiderOf(options);
  const seen = await diagnose(options, (what) => around.err(hide(`${what} …`)));
  // Hidden before it is shortened: half a secret would not be recognised.
  const checks = seen.checks.map((check) => ({ ...check, saw: shorten(hide(check.saw)) }));
  const diagnosis = { ...seen, checks };
  const verdict = judge(checks);
  const text = options.json
    ? toJson(diagnosis, verdict)
    : toText(diagnosis, verdict, around.colour);
  around.out(hide(text));
  return verdict.exitCode;
}

/** As much of an answer as a person reads. */
const MAX_SAW = 240;

function shorten(text: string): string {
  return text.length > MAX_SAW ? `${text.slice(0, MAX_SAW)} …` : text;
}
