import { parse, TomlError } from "smol-toml";
import { z } from "zod";

/** What the stack uses of a project's config.toml; all else in it is somebody else's affair. */
export type ProjectConfig = z.infer<typeof CONFIG>;

/** A variable may stand in place of a number or a truth: `port = "env(PORT)"`. */
const asNumber = (value: unknown) =>
  typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
const asBoolean = (value: unknown) => value === "true" ? true : value === "false" ? false : value;

const truth = (byDefault: boolean) =>
  z.preprocess(asBoolean, z.boolean("wants true or false").default(byDefault));
const number = (least: number, most: number) =>
  z.preprocess(
    asNumber,
    z.int(`wants a number from ${least} to ${most}`)
      .min(least, `wants a number from ${least} to ${most}`)
      .max(most, `wants a number from ${least} to ${most}`),
  );
const text = z.string("wants a text");
const texts = z.array(text, "wants a list of texts");
const port = (byDefault: number) => number(1, 65_535).prefault(byDefault);
const size = z.preprocess(
  (value) => typeof value === "number" ? `${value}B` : value,
  text.regex(/^\d+(\.\d+)?\s*[KMG]?i?B$/i, 'wants a size such as "50MiB"').optional(),
);
const table = <T extends z.core.$ZodLooseShape>(shape: T) =>
  z.object(shape, "wants to be a table").prefault({} as never);

/** Names and defaults are the Supabase CLI's. */
const CONFIG = z.object({
  api: table({
    port: port(54321),
    schemas: texts.default(["public", "graphql_public"]),
    extra_search_path: texts.default(["public", "extensions"]),
    max_rows: number(0, 2 ** 31 - 1).prefault(1000),
  }),
  db: table({
    port: port(54322),
    major_version: number(1, 99).prefault(17),
    migrations: table({ enabled: truth(true) }),
    seed: table({ enabled: truth(true), sql_paths: texts.default(["./seed.sql"]) }),
  }),
  auth: table({
    site_url: text.optional(),
    additional_redirect_urls: texts.optional(),
    jwt_expiry: number(1, 604_800).optional(),
    enable_signup: truth(true),
    enable_anonymous_sign_ins: truth(false),
    minimum_password_length: number(1, 72).optional(),
  }),
  storage: table({
    enabled: truth(true),
    file_size_limit: size,
    buckets: z.record(
      z.string(),
      table({
        public: truth(false),
        file_size_limit: size,
        allowed_mime_types: texts.optional(),
      }),
      "wants to be a table",
    ).optional(),
  }),
  edge_runtime: table({
    enabled: truth(true),
    secrets: z.record(z.string(), text, "wants to be a table").default({}),
  }),
  functions: z.record(
    z.string(),
    table({
      enabled: truth(true),
      verify_jwt: truth(true),
      import_map: text.optional(),
      entrypoint: text.optional(),
    }),
    "wants to be a table",
  ).default({}),
});

/**
 * Reads the text of a config.toml. `env` answers for its `env(NAME)`; one that it does not know stays
 * as it is, as with the CLI. Throws one error with every problem, a line each, none with a value.
 */
export function readConfig(toml: string, env: Record<string, string>): ProjectConfig {
  let values: unknown;
  try {
    values = parse(toml);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const what = error.message.split("\n")[0].replace(/^Invalid TOML document: /, "");
    throw new Error(`config.toml, line ${error.line}: this is not TOML: ${what}.`);
  }
  const { data, error } = CONFIG.safeParse(withEnv(values, env));
  if (data) return data;
  throw new Error(error.issues.map(({ path, message }) => tell(path, message)).join("\n"));
}

/** `[functions.hello] verify_jwt wants true or false`. */
function tell(path: PropertyKey[], message: string): string {
  const names = path.filter((name) => typeof name === "string");
  const key = names.length > 1 ? ` ${names.pop()}` : "";
  return `config.toml: [${names.join(".")}]${key} ${message}.`;
}

function withEnv(value: unknown, env: Record<string, string>): unknown {
  if (typeof value === "string") {
    const name = value.match(/^env\((\w+)\)$/)?.[1];
    return name === undefined ? value : env[name] ?? value;
  }
  if (Array.isArray(value)) return value.map((item) => withEnv(item, env));
  if (value === null || typeof value !== "object" || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, withEnv(item, env)]),
  );
}
