import fc from "fast-check";

/** A part of a config.toml: some lines, without their ends. */
type Part = string[];

const table = (...lines: string[]): Part => lines;

/** What people have in it, and what looks like ours and is not. */
const TABLES: Part[] = [
  table(
    "[api]",
    "enabled = true",
    "port = 54321 # the gateway",
    'schemas = ["public", "graphql_public"]',
  ),
  table(
    "[auth]",
    "additional_redirect_urls = [",
    '  "https://a.example", # one',
    '  "https://b.example/[x]",',
    "]",
  ),
  table("[auth.external.apple]", "enabled = false", 'secret = "env(SECRET_#1)"'),
  table('[auth.external."azure"]', "enabled = true", "url = '''https://a.example'''"),
  table(
    "[auth.email.template.invite]",
    'subject = """You are "invited"',
    "[functions.relay] # realtime-relay",
    'verify_jwt = true # realtime-relay"""',
  ),
  table("[auth.email.template.magic]", "content = '''", "[functions.relay]", "a = 'b''''"),
  table("[ functions . hello ]", "verify_jwt = true"),
  table("[functions.'hello.world']", "  verify_jwt=false#", 'import_map = "./deno.json"'),
  table('[functions."a\\u0062c"]', "enabled = true"),
  table("[functions.relay-2]", "verify_jwt = true # realtime-relay: was false"),
  table("[[storage.list]]", 'name = "[functions.relay]"'),
  table("[db.seed]", "sql_paths = [\"./seed.sql\", '''", "x''']", "at = 2026-11-29T10:00:00Z"),
  table("[edge_runtime]", 'policy = "per_worker"', "deno_version = 2"),
  table(
    "[remotes.staging]",
    'project_id = "abcdefghijklmnopqrst"',
    "functions.relay.verify_jwt = true",
  ),
  table(
    "[custom]",
    "relay = { verify_jwt = true, list = [1, 2] }",
    '"quoted key" = 1',
    "'functions'.relay.verify_jwt = true",
  ),
];

/** How a project that has a table for a function relay may write it. */
const RELAYS: Part[] = [
  table("[functions.relay]"),
  table("[functions.relay]", "verify_jwt = true"),
  table("[functions.relay]", "enabled = true", "verify_jwt = true   # the gateway's check"),
  table('["functions".relay]', "# verify_jwt = false", 'entrypoint = "./functions/relay/index.ts"'),
  table("[functions.'relay'] # mine", "verify_jwt=true#x"),
  table("[functions.relay]", "verify_jwt = false"),
  [],
  [],
  [],
];

const gaps = fc.array(
  fc.constantFrom("", '# a comment with [brackets] and "quotes', "   ", "#", "\t# é ✓"),
  {
    maxLength: 3,
  },
);

const eol = fc.constantFrom("\n", "\r\n");

/** Texts of config.toml: any order, comments, ends of lines of one kind or both, an end or none, a BOM. */
export const configTexts: fc.Arbitrary<string> = fc.record({
  head: fc.constantFrom([], ['project_id = "app"'], ["# first", "project_id = 'a'", "x.y = 1"], [
    "",
  ]),
  tables: fc.shuffledSubarray(TABLES),
  relay: fc.constantFrom(...RELAYS),
  place: fc.nat(20),
  gaps: fc.array(gaps, { minLength: 16, maxLength: 16 }),
  ends: fc.oneof(eol.map((end) => [end]), fc.array(eol, { minLength: 1, maxLength: 7 })),
  last: fc.boolean(),
  bom: fc.constantFrom("", "", "\uFEFF"),
}).map(({ head, tables, relay, place, gaps, ends, last, bom }) => {
  const parts = tables.toSpliced(place % (tables.length + 1), 0, relay);
  const lines = [...head, ...parts.flatMap((part, n) => [...part, ...gaps[n]])];
  const text = lines.map((line, n) => (n > 0 ? ends[n % ends.length] : "") + line).join("");
  return bom + text + (last && text ? ends[0] : "");
});
