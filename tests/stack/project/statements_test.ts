import assert from "node:assert/strict";
import { explain } from "../../../tools/stack/migrate/missing.ts";
import { lineAt, statements } from "../../../tools/stack/migrate/statements.ts";

const split = (sql: string) => [...statements(sql)].map(({ text }) => text);

Deno.test("statements are apart by semicolons, and by no others", () => {
  const whole = [
    "select 'a;''b', \"c;\"\"d\", E'e\\';f'",
    "select $a$ ; $$ ; $b$ ; $a$, $$;$$",
    "select 1 /* ; /* ; */ ; */ + 2 -- ; three\n + 3",
    "create function f() returns int begin atomic select case when true then 1 end; select 2; end",
    "create rule r as on insert to t do also (insert into a values (1); insert into b values (2))",
    "select case when true then 1 end",
    "do $do$ begin perform 1; end $do$",
    "select $1, a$b$c, 'ä;ö'",
  ];
  assert.deepEqual(split(whole.join(";\n\n-- next;\n") + "\n;;\n"), whole);
});

Deno.test("nothing, comments and semicolons alone are no statement", () => {
  for (const sql of ["", " \n", "-- a;\n", "/* ; */;; ;", "/* never closed ;"]) {
    assert.deepEqual(split(sql), []);
  }
});

Deno.test("quotes that never close reach to the end", () => {
  assert.deepEqual(split("select 1; select 'a; b;"), ["select 1", "select 'a; b;"]);
  assert.deepEqual(split("select $x$ a; b"), ["select $x$ a; b"]);
});

Deno.test("a statement begins behind the comments before it, and its line is known", () => {
  const sql = "-- head\n\n/* of */ create table a (\n  b int\n);\n-- c\nselect 1";
  assert.deepEqual([...statements(sql)].map(({ start }) => lineAt(sql, start)), [3, 7]);
});

Deno.test("a large text is split in linear time", () => {
  const row = `insert into t values (1, 'it''s; a "text"', $$x;y$$);\n`;
  const count = 20_000;
  assert.equal(split(row.repeat(count)).length, count);
  const long = `select '${"it''s; ".repeat(200_000)}'`;
  assert.deepEqual(split(`${long};select 2`), [long, "select 2"]);
});

Deno.test("explain() knows what is a hosted project's, and says nothing of other names", () => {
  const cases: [string, RegExp | undefined][] = [
    ['schema "vault" does not exist', /supabase_vault/],
    ['schema "net" does not exist', /pg_net/],
    ['schema "pgmq" does not exist', /pgmq/],
    ['schema "graphql" does not exist', /pg_graphql/],
    ['relation "cron.job" does not exist', /pg_cron/],
    ['type "extensions.vector" does not exist', /pgvector/],
    ['access method "hnsw" does not exist', /pgvector/],
    ['type "extensions.geography" does not exist', /PostGIS/],
    ['schema "mine" does not exist', undefined],
    ['relation "vector" already exists', undefined],
    ["syntax error", undefined],
  ];
  for (const [message, sentence] of cases) {
    if (sentence) assert.match(explain(message)!, sentence, message);
    else assert.equal(explain(message), undefined, message);
  }
});
