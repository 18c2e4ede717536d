import assert from "node:assert/strict";
import { numbersBehind } from "../../packages/realtime-relay/init/migrations/number.ts";
import { migrationsOf } from "../../packages/realtime-relay/init/migrations/choices.ts";
import { inProject, NOW, type Stage } from "./support/project.ts";
import { files } from "../house/support/tree.ts";

const FOLDER = "supabase/migrations/";
const OWN = `${FOLDER}20261201000000_mine.sql`;
const PROJECT = { "supabase/config.toml": 'project_id = "app"\n', [OWN]: "select 1;\n" };

const names = (stage: Stage) =>
  Object.keys(stage.bytes()).filter((path) => path.startsWith(FOLDER))
    .map((path) => path.slice(FOLDER.length));

Deno.test("the choices bring every migration of this project, and each once", () => {
  const all = migrationsOf(new Set(["demo", "history", "revoke"]));
  const there = files("supabase/migrations").map((path) => path.replace(/^.*\/\d+_|\.sql$/g, ""));
  assert.deepEqual(all.toSorted(), there.toSorted());
  const inOrder = there.filter((name) => all.includes(name));
  assert.deepEqual(all, inOrder, "in the order in which they were written");
});

Deno.test("migrations come under numbers behind the newest that is there", () => {
  const cases: [newest: string, numbers: string[]][] = [
    ["", ["20261224180000", "20261224180001"]],
    ["20261201000000", ["20261224180000", "20261224180001"]],
    ["20261231235959", ["20270101000000", "20270101000001"]],
    ["0007", ["20261224180000", "20261224180001"]],
    ["9998", ["9999", "99990"]],
  ];
  for (const [newest, numbers] of cases) {
    assert.deepEqual(numbersBehind(newest, 2, NOW), numbers, newest);
    assert.deepEqual([newest, ...numbers].toSorted(), [newest, ...numbers]);
  }
});

Deno.test("--with revoke brings history too; again brings nothing; a newer text comes behind", () =>
  inProject(PROJECT, async (stage) => {
    const { text } = await stage.init(["--with", "revoke"]);
    const first = [
      "20261201000000_mine.sql",
      "20261224180000_relay_missed_messages.sql",
      "20261224180001_relay_row_broadcasts.sql",
      "20261224180002_relay_end_sessions.sql",
      "20261224180003_relay_left_open.sql",
      "20261224180004_relay_crowded_channels.sql",
    ];
    assert.deepEqual(names(stage), first);
    assert.match(text, /^ +supabase link --project-ref <ref> && supabase db push --linked$/m);
    await stage.init(["--with", "history,revoke"]);
    await stage.init();
    assert.deepEqual(names(stage), first);
    await stage.release("0.2.0");
    const changed = "-- another text\n";
    await stage.changeMigration("left_open", changed);
    const before = stage.read(FOLDER + first[4]);
    await stage.init();
    assert.deepEqual(names(stage), [...first, "20261224180005_relay_left_open.sql"]);
    assert.equal(stage.read(FOLDER + first[4]), before, "what may have been pushed stays");
    assert.ok(stage.read(`${FOLDER}20261224180005_relay_left_open.sql`).endsWith(changed));
  }));

Deno.test("a migration that was copied by hand is known by its text", () =>
  inProject(PROJECT, async (stage) => {
    const text = Deno.readTextFileSync(files(FOLDER.slice(0, -1)).find((it) => /missed/.test(it))!);
    await stage.write(`${FOLDER}20261202000000_history.sql`, text);
    await stage.init(["--with", "history"]);
    assert.deepEqual(names(stage), [
      "20261201000000_mine.sql",
      "20261202000000_history.sql",
      "20261224180000_relay_row_broadcasts.sql",
      "20261224180001_relay_crowded_channels.sql",
    ]);
  }));

Deno.test("a dump of any size among the migrations counts by its number", () =>
  inProject(PROJECT, async (stage) => {
    const dump = `${FOLDER}20270101000000_dump.sql`;
    await stage.write(dump, "-- a row\n".repeat(500_000));
    await stage.init(["--with", "history"]);
    assert.equal(names(stage)[2], "20270101000001_relay_missed_messages.sql");
    await stage.remove(["--never-pushed"]);
    assert.deepEqual(Object.keys(stage.bytes()), ["supabase/config.toml", OWN, dump]);
  }));

Deno.test("whoever has a schema relay of their own is told which rights they give anew", async () => {
  const told = /20250101000000_own\.sql makes a schema relay of your own: .* grant .* anew/;
  for (
    const schema of [
      "relay",
      "IF NOT EXISTS relay",
      '"relay"',
      "if not exists relay authorization x",
    ]
  ) {
    const own = { [`${FOLDER}20250101000000_own.sql`]: `select 1;\ncreate  schema ${schema};\n` };
    await inProject({ ...PROJECT, ...own }, async (stage) => {
      assert.doesNotMatch((await stage.init(["--with", "demo"])).text, told, "it takes none");
      assert.match((await stage.init(["--with", "history"])).text, told, schema);
      assert.doesNotMatch((await stage.init()).text, told, "it was told");
    });
  }
  const others = "create schema relays; create schema my_relay; -- create a schema: relay\n";
  await inProject({ ...PROJECT, [`${FOLDER}20250101000000_own.sql`]: others }, async (stage) => {
    assert.doesNotMatch((await stage.init(["--with", "history"])).text, told);
    await stage.remove();
    assert.doesNotMatch((await stage.init(["--with", "history"])).text, told, "init's own");
  });
});

Deno.test("remove keeps migrations that a database may have, and undoes them by another", () =>
  inProject(PROJECT, async (stage) => {
    await stage.init(["--with", "revoke,demo"]);
    const all = names(stage);
    const { code, text } = await stage.remove();
    assert.equal(code, 0);
    assert.deepEqual(names(stage).slice(0, -1), all);
    const undo = stage.read(FOLDER + names(stage).at(-1)!);
    assert.match(
      undo,
      /^-- Realtime Relay [^]*function relay\.sessions_deleted\(\)\nreturns trigger.*\nas \$\$ begin return null; end \$\$;/,
    );
    assert.match(undo, /drop function if exists public\.missed_messages/);
    assert.doesNotMatch(undo, /url_clicks|short_links/, "rows of people's");
    assert.match(
      text,
      /whoever owns the tables runs: drop trigger relay_sessions_deleted on auth\.sessions;/,
    );
    assert.match(text, /The demo's tables stay, since they hold rows\..*\n/);
    const after = names(stage);
    await stage.remove();
    assert.deepEqual(names(stage), after, "twice is once");
    await stage.init(["--with", "history"]);
    assert.equal(names(stage).length, after.length + 3, "and then it can be had again");
  }));

Deno.test("remove --never-pushed gives every byte back", () =>
  inProject(PROJECT, async (stage) => {
    const before = stage.bytes();
    await stage.init(["--with", "history,revoke,demo"]);
    assert.equal(names(stage).length, 1 + 15);
    await stage.remove(["--never-pushed"]);
    assert.deepEqual(stage.bytes(), before);
  }));

Deno.test("a choice that is none is said", () =>
  inProject(PROJECT, async (stage) => {
    await assert.rejects(stage.init(["--with", "history,presence"]), {
      name: "UsageError",
      message: "--with knows history, revoke and demo, not presence.",
    });
  }));
