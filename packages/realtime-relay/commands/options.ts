import { parseArgs, type ParseArgsConfig } from "node:util";
import { UsageError } from "../problem.ts";

/** Reads `--name value` and `--flag`. Throws a UsageError for whatever is not in `options`. */
export function readOptions<O extends NonNullable<ParseArgsConfig["options"]>>(
  args: string[],
  options: O,
) {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (!code?.startsWith("ERR_PARSE_ARGS_")) throw error;
    const subject = message.match(/'([^']*)'/)?.[1].replace(/ <.*/, "") ?? "";
    throw new UsageError(`${subject} is not known here, or used the wrong way: --help shows how.`);
  }
}
