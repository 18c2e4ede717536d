/** What options may be, as people write them. */
import assert from "node:assert/strict";
import { readComposeEnv } from "../../tools/doctor/compose_env.ts";
import { readOptions, UsageError } from "../../tools/doctor/options.ts";
import { whyNot } from "../../tools/doctor/probe/database/connect.ts";
import { startUpstream } from "../support/upstream.ts";
import { run } from "./support/run.ts";

/** A line, what Compose makes of it; `B` is set before to b. */
const LINES: [line: string, value: string | undefined][] = [
  ["A=1", "1"],
  ["A = 1 ", "1"],
  ["export A=1", "1"],
  ["A: 1", "1"],
  ["A=", ""],
  ["A=VAL# not a comment", "VAL# not a comment"],
  ["A=VAL # a comment", "VAL"],
  ["A=#nothing", ""],
  ["A='VAL # no comment' # one", "VAL # no comment"],
  ['A="VAL # no comment" # one', "VAL # no comment"],
  ["A=abc#def", "abc#def"],
  ["A=$B", "b"],
  ["A=${B}", "b"],
  ["A=x${B}y$B", "xbyb"],
  ['A="${B}"', "b"],
  ["A='${B}'", "${B}"],
  ["A=${C}", ""],
  ["A=${C:-c}", "c"],
  ["A=${C-${B}}", "b"],
  ["A=${B:-c}", "b"],
  ["A=${B:+yes}", "yes"],
  ["A=${C:+yes}", ""],
  ["A=${B:?must be there}", "b"],
  ["A=${EMPTY:-c}", "c"],
  ["A=${EMPTY-c}", ""],
  ["A=p$$w", "p$w"],
  ["A=p\\$B", "p$B"],
  ["A=pa$5", "pa$5"],
  ["A=${unclosed", "${unclosed"],
  ['A="two\\nlines"', "two\nlines"],
  ["A='two\nlines'", "two\nlines"],
  ["A='Let\\'s go'", "Let's go"],
  ['A="{\\"a\\": 1}"', '{"a": 1}'],
  ['A={"keys":[{"kid":"a"}]}', '{"keys":[{"kid":"a"}]}'],
  ["# A=1", undefined],
  ["A", undefined],
];

Deno.test("an env file is read as Compose reads it", () => {
  for (const [line, value] of LINES) {
    for (const end of ["\n", "\r\n"]) {
      const text = ["\ufeffB=b", "EMPTY=", line, "Z=z"].join("\n").replaceAll("\n", end);
      const { A, Z } = readComposeEnv(text);
      assert.equal(A, value, line);
      assert.equal(Z, "z", line);
    }
  }
});

Deno.test("what the environment says goes before the file, and names come back as they were", () => {
  assert.equal(readComposeEnv("B=b\nA=$B", { B: "outer" }).A, "outer");
  assert.equal(readComposeEnv("__proto__=1\nA=${__proto__}").A, "1");
});

Deno.test("a password that a URL does not take is told to be percent-encoded, and not repeated", () => {
  const words: [word: string, says: RegExp][] = [
    ["hun#ter22", /# \(%23\)/],
    ["hun/ter22", /\/ \(%2F\)/],
    ["hun?ter22", /\? \(%3F\)/],
    ["hun%zzter22", /% \(%25\)/],
    ["hun@ter22", /@ \(%40\)/],
    ["hun[ter22", /\[ \(%5B\)/],
    ["hun%ff%feter22", /no UTF-8/],
    ["hun ter22", /%20/],
  ];
  for (const [word, says] of words) {
    const args = ["abc.supabase.co", "--db", `postgres://me:${word}@db.example.com:5432/postgres`];
    assert.throws(() => readOptions(args, {}), (error) => {
      assert.ok(error instanceof UsageError, word);
      assert.match(error.message, says);
      return !error.message.includes("ter22");
    }, word);
    const encoded = encodeURIComponent(word.replaceAll(/%(?:zz|ff|fe)/g, "%"));
    args[2] = `postgres://me:${encoded}@db.example.com:5432/postgres`;
    assert.doesNotThrow(() => readOptions(args, {}), word);
  }
});

/** A database's URL as people have it, and what is asked. */
const DATABASES: [written: string, read: string][] = [
  ["postgres://u:p@h:5432/db", "postgres://u:p@h:5432/db"],
  ['"postgres://u:p@h/db"', "postgres://u:p@h/db"],
  ["DATABASE_URL=postgres://u:p@h/db", "postgres://u:p@h/db"],
  ["export DATABASE_URL='postgres://u:p@h/db'", "postgres://u:p@h/db"],
  ["psql 'postgresql://u:p@h/db'", "postgresql://u:p@h/db"],
  ["postgresql+psycopg2://u:p@h/db", "postgresql://u:p@h/db"],
  ["POSTGRES://u:p@h/db", "postgres://u:p@h/db"],
  ["postgres://u:p@[::1]:5432/db", "postgres://u:p@[::1]:5432/db"],
  // PostgreSQL knows no such settings, and would refuse the connection.
  ["postgres://u:p@h:6543/db?pgbouncer=true&connection_limit=1", "postgres://u:p@h:6543/db"],
  ["postgres://u:p@h/db?sslmode=require&supa=base-pooler.x", "postgres://u:p@h/db?sslmode=require"],
];

Deno.test("a database's URL is understood as people have it", () => {
  for (const [written, read] of DATABASES) {
    const options = readOptions(["abc.supabase.co", "--db", written], {});
    assert.equal(options !== "help" && options.db, read, written);
  }
});

Deno.test("what stands in a password's place, and other ways to write a database, are told", () => {
  const at = "db.example.com:5432/postgres";
  const written: [db: string, says: RegExp][] = [
    [`postgresql://postgres:[YOUR-PASSWORD]@${at}`, /\[YOUR-PASSWORD\] stands where/],
    [`postgresql://postgres:YOUR_PASSWORD@${at}`, /YOUR_PASSWORD stands where/],
    [`postgresql://postgres:<password>@${at}`, /<password> stands where/],
    [`jdbc:postgresql://${at}?user=me&password=hunter22`, /--db wants a URL/],
    ["host=h user=u password=hunter22", /--db wants a URL/],
    ["postgres://u:hunter22@a.example.com:5432,b.example.com:5432/db", /--db names several hosts/],
    ["postgres://u:hunter22@a.example.com,b.example.com/db", /--db names several hosts/],
  ];
  for (const [db, says] of written) {
    assert.throws(() => readOptions(["abc.supabase.co", "--db", db], {}), (error) => {
      assert.ok(error instanceof UsageError, db);
      assert.match(error.message, says, db);
      return !error.message.includes("hunter22");
    }, db);
  }
});

Deno.test("a table is named with its schema, with quotes or without, or alone in public", () => {
  const tables = [
    ["orders", "public.orders"],
    ["app.Orders", "app.Orders"],
    ['"public"."Orders"', "public.Orders"],
    ["public.my orders", "public.my orders"],
  ];
  for (const [written, read] of tables) {
    const options = readOptions(["abc.supabase.co", "--table", written], {});
    assert.equal(options !== "help" && options.table, read);
  }
  for (const written of ["a.b.c", "public.*", 'public."a.b"', "public."]) {
    assert.throws(() => readOptions(["abc.supabase.co", "--table", written], {}), /--table wants/);
  }
});

Deno.test("the command ends with code 2 for such a password, and with a sentence", async () => {
  const db = "postgres://me:a%zzb@127.0.0.1:5432/postgres";
  const { code, err } = await run(["http://127.0.0.1:1", "--db", db]);
  assert.equal(code, 2);
  assert.match(err, /percent-encode/);
});

Deno.test("a hosted database without IPv4, and poolers, are named", async () => {
  const ref = "abcdefghijklmnopqrst";
  const told = (url: string, message: string) => whyNot(url, new Error(message));
  const direct = await told(`postgres://p:x@db.${ref}.supabase.co:5432/postgres`, "ENETUNREACH");
  assert.match(direct, new RegExp(`no IPv4 address.*session pooler.*postgres\\.${ref}`));
  const pooler = "aws-0-eu-central-1.pooler.supabase.com";
  const words = "Tenant or user not found";
  assert.match(await told(`postgres://postgres:x@${pooler}:5432/postgres`, words), /postgres\.REF/);
  assert.match(
    await told(`postgres://postgres.${ref}:x@${pooler}:5432/postgres`, words),
    /region or the project/,
  );
  assert.match(await told(`postgres://p.r:x@${pooler}:6543/postgres`, "closed"), /take 5432/);
  assert.equal(await told("postgres://p:x@10.0.0.1:5432/postgres", "x"), "no connection: x");
});

Deno.test("an option whose value is missing does not take the next one for it, nor a flag a value", () => {
  const told = (...args: string[]) => {
    assert.throws(() => readOptions(["abc.supabase.co", ...args], {}), UsageError);
    try {
      return readOptions(["abc.supabase.co", ...args], {});
    } catch (error) {
      return (error as UsageError).problems.join(" ");
    }
  };
  // What a shell makes of a variable that is not set.
  assert.equal(told("--key", "--json"), "--key wants a value.");
  assert.equal(told("--jwt-secret", "--wait=3", "--key", "a"), "--jwt-secret wants a value.");
  assert.equal(told("--json", "--token"), "--token wants a value.");
  assert.equal(told("--ask", "--quick"), "--ask wants a value.");
  assert.equal(told("--json=true"), "--json takes no value.");
  assert.equal(told("--quick="), "--quick takes no value.");
  const options = readOptions(["abc.supabase.co", "--key", "--a-key", "--json"], {});
  assert.ok(options !== "help" && options.key === "--a-key" && options.json);
});

Deno.test("each --ask names a host, or several", () => {
  const args = [
    "abc.supabase.co",
    "--ask",
    "a.example.com,b.example.com",
    "--ask",
    "https://C.example.com/x",
  ];
  const options = readOptions(args, {});
  assert.ok(options !== "help");
  assert.deepEqual(options.ask, ["a.example.com", "b.example.com", "c.example.com"]);
});

Deno.test("an origin of any scheme is sent as it is given", async () => {
  const origins = [
    ...["https://app.example.com", "http://localhost:3000", "chrome-extension://abcdefghijklmnop"],
    ...["capacitor://localhost", "ionic://localhost", "tauri://localhost", "moz-extension://a-b-c"],
    ...["file://", "null"],
  ];
  for (const origin of origins) {
    const heard: (string | null)[] = [];
    const upstream = startUpstream({
      refuse: (request) => {
        heard.push(request.headers.get("origin"));
        return new Response(null, { status: 404 });
      },
    });
    await run([`${upstream.url}/realtime/v1`, "--key", "x", "--origin", origin, "--wait", "1"]);
    await upstream.stop();
    assert.equal(heard[0], origin);
  }
  const args = (origin: string) => ["abc.supabase.co", "--origin", origin];
  assert.throws(() => readOptions(args("a b"), {}), /--origin wants a scheme/);
  assert.throws(() => readOptions(args("x://a\r\nHost: b"), {}), /--origin wants a scheme/);
  for (
    const many of ["https://a.example.com,https://b.example.com", "https://*.example.com", "*"]
  ) {
    assert.throws(() => readOptions(args(many), {}), /--origin wants a scheme/, many);
  }
  assert.throws(() => readOptions(args("about:blank"), {}), /--origin wants a scheme/);
  const read = readOptions(args("app.example.com/path"), {});
  assert.equal(read !== "help" && read.origin, "https://app.example.com");
});
