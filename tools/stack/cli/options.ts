import { fileURLToPath } from "node:url";
import { parseArgs, type ParseArgsConfig } from "node:util";

/** The user asked for something that is not there; `message` is the sentence to show. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Where the stack keeps its data unless told otherwise. */
export const DEFAULT_DATA_DIR = fileURLToPath(new URL("../../../.data", import.meta.url));

/** Reads `--name value` and `--flag`. Throws a UsageError for whatever is not in `options`. */
export function readOptions<O extends NonNullable<ParseArgsConfig["options"]>>(
  args: string[],
  options: O,
) {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    const subject = message.match(/'([^']*)'/)?.[1].replace(/ <.*/, "") ?? "";
    switch (code) {
      case "ERR_PARSE_ARGS_UNKNOWN_OPTION":
        throw new UsageError(`There is no option ${subject}: --help lists what there is.`);
      case "ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL":
        throw new UsageError(`Nothing can be done with "${subject}": --help lists what there is.`);
      default:
        throw new UsageError(`The option ${subject} is used the wrong way: --help shows how.`);
    }
  }
}
