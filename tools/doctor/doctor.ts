import { clean, shorten } from "./clean.ts";
import { diagnose } from "./diagnose.ts";
import { hiderOf } from "./hide.ts";
import { judge } from "./judge/judge.ts";
import { HELP, type Options, readOptions, UsageError } from "./options.ts";
import { toJson } from "./report/json.ts";
import { toText } from "./report/text.ts";

/** Where the doctor is run from. */
export interface Surroundings {
  environment: Record<string, string | undefined>;
  /** What was asked for. */
  out(text: string): void;
  /** What goes on meanwhile. */
  err(text: string): void;
  colour: boolean;
  /** Of the terminal, where it is one. */
  columns?: number;
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
  const { context, checks } = await diagnose(
    options,
    (what) => around.err(hide(clean(`${what} …`))),
  );
  // Hidden before it is shortened: half a secret would not be recognised.
  const verdict = judge(checks.map((check) => ({
    ...check,
    saw: shorten(hide(clean(check.saw))),
    ...(check.paste ? { paste: check.paste.map(cleanLine) } : {}),
  })));
  around.out(
    options.json ? toJson(context, verdict, hide) : hide(toText(context, verdict, around)),
  );
  return verdict.exitCode;
}

/** A line to paste may hold names of a database, and keeps how far it is set in. */
const cleanLine = (line: string) => /^ */.exec(line)![0] + clean(line);
