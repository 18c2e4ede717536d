import { parse, TomlError } from "smol-toml";
import { Problem } from "../../problem.ts";

/** Of config.toml, as it was read; all else in it is nobody's business here. */
export interface Config extends Record<string, unknown> {
  functions?: Record<string, Record<string, unknown>>;
  auth?: { third_party?: Record<string, Record<string, unknown>> };
  edge_runtime?: { policy?: unknown };
}

/** Reads supabase/config.toml. Throws a Problem with the line where it is no TOML. */
export function parseConfig(text: string): Config {
  try {
    return parse(text.replace(/^\uFEFF/, "")) as Config;
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [what] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
    throw new Problem(
      `supabase/config.toml is no TOML, at line ${error.line}: ${what}. Mend that line, and run it again.`,
    );
  }
}

/** The entrypoint that config.toml names for the function relay, where it is not the relay's own. */
export function otherEntrypoint({ functions }: Config): string | undefined {
  const entrypoint = functions?.relay?.entrypoint;
  if (typeof entrypoint !== "string") return undefined;
  return /(^|\/)functions\/relay\/index\.ts$/.test(entrypoint) ? undefined : entrypoint;
}
