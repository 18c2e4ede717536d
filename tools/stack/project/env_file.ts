import { parseEnv } from "node:util";

/** Far above any file of settings. */
const MAX_BYTES = 1024 * 1024;
/** Some editors begin a file with it; it would be part of the first name. */
const BYTE_ORDER_MARK = /^\uFEFF/;

/**
 * The variables in a `.env` file; none where there is no such file, unless it `mustExist`. Throws one
 * sentence if it cannot be read.
 */
export function readEnvFile(path: string, mustExist = false): Record<string, string> {
  let text: string;
  try {
    if (Deno.statSync(path).size > MAX_BYTES) throw new Error("it is larger than 1 MiB");
    text = Deno.readTextFileSync(path);
  } catch (error) {
    const isMissing = error instanceof Deno.errors.NotFound;
    if (isMissing && !mustExist) return {};
    const why = isMissing ? "there is none" : (error as Error).message;
    throw new Error(`${path} cannot be read: ${why}.`);
  }
  return parseEnv(text.replace(BYTE_ORDER_MARK, "")) as Record<string, string>;
}
