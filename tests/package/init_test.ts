/** Projects as people have them: what init makes of each, again, and what remove leaves. */
import assert from "node:assert/strict";
import { join } from "node:path/posix";
import { applyPatch, parsePatch } from "diff";
import { dev } from "../../packages/realtime-relay/commands/dev.ts";
import { writeChanges } from "../../packages/realtime-relay/init/project/write.ts";
import { LONG } from "../support/long.ts";
import { run } from "./support/run.ts";
import { inProject, NOW, type Stage } from "./support/project.ts";

const TABLE = `
[functions.relay] # realtime-relay
# The relay verifies every token itself. The gateway's check reads a header that browsers cannot
# set on a WebSocket.
verify_jwt = false # realtime-relay
`;

const FILES = ["supabase/functions/relay/index.ts", "supabase/functions/relay/relay.js"];

/** Twice is once, and what was there before is there again. Returns what init said at first. */
async function thereAndBack(stage: Stage, from?: string): Promise<string> {
  const before = stage.bytes();
  const dry = await stage.init(["--dry-run"], from);
  assert.deepEqual(stage.bytes(), before, "nothing is written");
  const { code, text } = await stage.init([], from);
  assert.equal(code, 0, text);
  const after = stage.bytes();
  assert.notDeepEqual(after, before);
  holdDiff(dry.text, before, after, text);
  const again = await stage.init([], from);
  assert.match(again.text, /All is there already, and as it should be\./);
  assert.deepEqual(stage.bytes(), after);
  assert.equal((await stage.remove([], from)).code, 0);
  assert.deepEqual(stage.bytes(), before);
  return text;
}

/** What --dry-run showed is what was done, to these files and no others. */
function holdDiff(
  diff: string,
  before: Record<string, string>,
  after: Record<string, string>,
  said: string,
): void {
  const changed = Object.keys(after).filter((path) => after[path] !== before[path]);
  const folder = /^Project: FOLDER\/?(.*)$/m.exec(said)![1];
  const patches = parsePatch(diff);
  const paths = patches.map(({ newFileName }) => join(folder, newFileName!.replace(/^b\//, "")));
  assert.deepEqual(paths.toSorted(), changed.toSorted());
  for (const [n, path] of paths.entries()) {
    const done = applyPatch(before[path] ?? "", patches[n], { autoConvertLineEndings: false });
    assert.equal(done, after[path], path);
  }
}

/** The part of `init --dry-run` about config.toml. */
async function configDiff(stage: Stage): Promise<string> {
  const before = stage.bytes();
  const { text } = await stage.init(["--dry-run"]);
  assert.deepEqual(stage.bytes(), before, "nothing is written");
  return text.slice(text.indexOf("--- a/supabase/config.toml"));
}

const FRESH = `# For detailed configuration reference documentation, visit:
# https://supabase.com/docs/guides/local-development/cli/config
project_id = "app"

[api]
enabled = true
port = 54321

[edge_runtime]
enabled = true
policy = "per_worker"
`;

Deno.test("a project as supabase init makes it", () =>
  inProject({ "supabase/config.toml": FRESH }, async (stage) => {
    assert.equal(
      await configDiff(stage),
      `--- a/supabase/config.toml
+++ b/supabase/config.toml
@@ -9,3 +9,8 @@
 [edge_runtime]
 enabled = true
 policy = "per_worker"
${TABLE.replaceAll(/^/gm, "+").slice(0, -1)}`,
    );
    const text = await thereAndBack(stage);
    for (const file of FILES) assert.match(text, new RegExp(`^ +add +${file}$`, "m"));
    assert.match(text, /^ +change +supabase\/config\.toml$/m);
  }));

Deno.test("a folder without supabase/ becomes a project, and is a folder again", () =>
  inProject({ "index.html": "<title>mine</title>" }, async (stage) => {
    await stage.init();
    const config = stage.read("supabase/config.toml");
    assert.match(stage.read("supabase/.gitignore"), /^\.temp$/m);
    assert.match(config, /^# Realtime Relay .*\n# sha256 .*\nproject_id = "my-app"\n\n\[functions/);
    await stage.remove();
    await thereAndBack(stage);
  }));

Deno.test("comments and tables in an order of one's own, other functions among them", () =>
  inProject({
    "supabase/config.toml": `[functions.hello]   # says hello
verify_jwt = true   # yes

# [functions.relay]
# verify_jwt = true
[auth.external.github]
secret = "env(SECRET)" # [functions.relay]
# the last line, without an end`,
  }, async (stage) => {
    assert.equal(
      await configDiff(stage),
      `--- a/supabase/config.toml
+++ b/supabase/config.toml
@@ -5,4 +5,9 @@
 # verify_jwt = true
 [auth.external.github]
 secret = "env(SECRET)" # [functions.relay]
-# the last line, without an end
\\ No newline at end of file
+# the last line, without an end
${TABLE.replaceAll(/^(?=.|$)/gm, "+").slice(0, -2)}
\\ No newline at end of file
`,
    );
    await thereAndBack(stage);
  }));

const OWN = 'Deno.serve(() => new Response("mine"));\n';

Deno.test("a function relay of one's own is refused in a sentence, and overwritten only by force", () =>
  inProject(
    { "supabase/config.toml": FRESH, "supabase/functions/relay/index.ts": OWN },
    async (stage) => {
      const before = stage.bytes();
      for (const args of [[], ["--dry-run"]]) {
        await assert.rejects(stage.init(args), {
          name: "Problem",
          message: /^supabase\/functions\/relay is a function of your own\..* rename yours/,
        });
      }
      assert.deepEqual(stage.bytes(), before);
      const { text } = await stage.init(["--force"]);
      assert.match(text, /^ +overwrite supabase\/functions\/relay\/index\.ts$/m);
      assert.notEqual(stage.read(FILES[0]), OWN);
    },
  ));

Deno.test("the relay's sources that were copied by hand are named as that", () =>
  inProject({
    "supabase/functions/relay/index.ts": OWN,
    "supabase/functions/relay/relay.ts": "export {};\n",
  }, async (stage) => {
    await assert.rejects(stage.init(), { message: /copied by hand\. Move that folder away/ });
  }));

Deno.test("a project whose lines end in CRLF", () =>
  inProject({ "supabase/config.toml": FRESH.replaceAll("\n", "\r\n") }, async (stage) => {
    await stage.init();
    assert.doesNotMatch(stage.read("supabase/config.toml"), /[^\r]\n/);
    await stage.remove();
    await thereAndBack(stage);
    // As git checks it out there.
    await stage.init();
    for (const file of FILES) await stage.write(file, stage.read(file).replaceAll("\n", "\r\n"));
    assert.match((await stage.init()).text, /All is there already/);
    assert.equal((await stage.remove()).code, 0);
  }));

Deno.test("a monorepo: found from any folder of it, and asked for where it lies beside", () =>
  inProject({
    "packages/db/supabase/config.toml": FRESH,
    "packages/db/src/deep/x.ts": "",
    "apps/web/package.json": '{ "dependencies": { "@supabase/supabase-js": "^2.57.0" } }',
    ".git/HEAD": "ref: refs/heads/main",
  }, async (stage) => {
    for (const from of ["packages/db", "packages/db/src/deep", "packages/db/supabase"]) {
      const text = await thereAndBack(stage, from);
      assert.match(text, /^Project: FOLDER\/packages\/db$/m);
      assert.match(text, /In the page, with @supabase\/supabase-js \^2\.57\.0:/);
    }
    const there =
      /but in packages\/db\. Say which is meant: --project packages\/db, or --project \. for/;
    await assert.rejects(stage.init(), { name: "Problem", message: there });
    const { text } = await stage.init(["--project", "packages/db"]);
    assert.match(text, /^Project: FOLDER\/packages\/db$/m);
    await stage.remove(["--project", "packages/db"]);
    assert.equal((await stage.init(["--project", "."])).code, 0);
    assert.match(stage.read("supabase/config.toml"), /project_id = "my-app"/);
    await assert.rejects(stage.init(["--project", "nowhere"]), { message: /^There is no folder/ });
  }));

Deno.test("a package that is named supabase is no project: the folder in it is", () =>
  inProject({
    "packages/supabase/package.json": "{}",
    "packages/supabase/functions/invoke.ts": "export const invoke = 1;\n",
    "packages/supabase/supabase/config.toml": FRESH,
  }, async (stage) => {
    await assert.rejects(stage.init(), {
      message: /, but in packages\/supabase\. Say which is meant: --project packages\/supabase,/,
    });
    for (const from of ["packages/supabase", "packages/supabase/functions"]) {
      const text = await thereAndBack(stage, from);
      assert.match(text, /^Project: FOLDER\/packages\/supabase$/m);
    }
  }));

Deno.test("--project without a value is said, and makes no second project", () =>
  inProject({ "supabase/config.toml": FRESH, "web/index.html": "" }, async (stage) => {
    const before = stage.bytes();
    await assert.rejects(stage.init(["--project="], "web"), {
      name: "UsageError",
      message: /^--project wants a folder/,
    });
    assert.deepEqual(stage.bytes(), before);
  }));

Deno.test("dev says where it cannot keep its data, and starts nothing", () =>
  inProject({ ".realtime-relay": "a file" }, async ({ folder }) => {
    const world = { cwd: folder, home: new URL("file:///nowhere/"), now: NOW, out: () => {} };
    await assert.rejects(async () => await dev.run([], world), {
      name: "Problem",
      message: /\.realtime-relay cannot be made: EEXIST.*--data DIR/,
    });
  }));

Deno.test("files of the function that git would pass over are named, until they are added", () =>
  inProject({
    "web/supabase/config.toml": FRESH,
    ".gitignore": "*.js\n",
  }, async (stage) => {
    const git = (...args: string[]) => run("git", args, stage.folder);
    const told = async () => (await stage.init([], "web")).text.match(/^Git .*$/m)?.[0];
    assert.equal(await told(), undefined, "there is no repository");
    await git("init", "-q");
    assert.equal(
      await told(),
      "Git passes over supabase/functions/relay/relay.js, which whoever deploys from the repository " +
        "needs: git add -f supabase/functions/relay/relay.js",
    );
    await git("add", "-f", "web/supabase/functions/relay/relay.js");
    assert.equal(await told(), undefined);
  }));

Deno.test("functions behind a link: they go, and the link stays", () =>
  inProject({ "supabase/config.toml": FRESH }, async (stage) => {
    await Deno.mkdir(`${stage.folder}/edge`);
    await Deno.symlink("../edge", `${stage.folder}/supabase/functions`);
    await stage.init();
    assert.ok(stage.read("edge/relay/index.ts"));
    assert.equal((await stage.remove()).code, 0);
    assert.deepEqual([...Deno.readDirSync(`${stage.folder}/edge`)], []);
    assert.equal(await Deno.readLink(`${stage.folder}/supabase/functions`), "../edge");
    assert.equal(stage.read("supabase/config.toml"), FRESH);
  }));

Deno.test("remove goes where the config.toml could not be added to", () =>
  inProject({ "supabase/config.toml": FRESH }, async (stage) => {
    await stage.init();
    const theirs = `${FRESH}\n[functions]\nrelay = { enabled = false }\n`;
    await stage.write("supabase/config.toml", theirs);
    const { code, text } = await stage.remove();
    assert.equal(code, 0);
    assert.match(text, /delete +supabase\/functions\/relay\/relay\.js/);
    assert.deepEqual(stage.bytes(), { "supabase/config.toml": theirs });
  }));

Deno.test("a project that init began keeps its config.toml and .gitignore for what came since", async () => {
  const since = [
    ["supabase/functions/.env", "KEY=secret\n"],
    ["supabase/functions/relay/notes.md", "mine\n"],
    ["supabase/migrations/20261224190000_notes.sql", "create table notes ();\n"],
    ["supabase/seed.sql", "select 1;\n"],
  ];
  for (const [path, text] of since) {
    await inProject({}, async (stage) => {
      await stage.init();
      await stage.write(path, text);
      const { [path]: _, ...begun } = stage.bytes();
      await stage.remove();
      assert.deepEqual(
        Object.keys(stage.bytes()),
        ["supabase/.gitignore", "supabase/config.toml", path].toSorted(),
      );
      assert.doesNotMatch(stage.read("supabase/config.toml"), /functions\.relay/);
      await stage.init();
      assert.deepEqual(stage.bytes(), { ...begun, [path]: text }, "and it can come again");
      await Deno.remove(`${stage.folder}/${path}`);
      await stage.remove();
      assert.deepEqual(stage.bytes(), {});
    });
  }
});

Deno.test("legacy keys are known by their env file, and never shown", () =>
  inProject({
    "supabase/config.toml": FRESH,
    "supabase/.temp/project-ref": "abcdefghijklmnopqrst\n",
    ".env.local": "NEXT_PUBLIC_SUPABASE_ANON_KEY=eyJhbGciOiJIUzI1NiJ9.e30.c2ln\n",
  }, async (stage) => {
    const text = await thereAndBack(stage);
    assert.match(text, /This project uses legacy keys\..*RELAY_JWT_SECRET/);
    assert.match(text, /createClient\(url, anonKey, /);
    assert.doesNotMatch(text, /eyJ/);
  }));

Deno.test("a project without git, and with a config.toml that only git would give back", () =>
  inProject(
    { "supabase/config.toml": 'project_id = "app"', "supabase/seed.sql": "select 1;\n" },
    async (stage) => {
      await thereAndBack(stage);
    },
  ));

Deno.test("what fails halfway is taken back: files as they were, and no new folder", () =>
  inProject({ "a.txt": "mine", "taken/by/a/folder.txt": "x" }, async (stage) => {
    const before = stage.bytes();
    const changes = [
      { path: "a.txt", before: "mine", after: "changed" },
      { path: "supabase/functions/relay/index.ts", after: "new" },
      { path: "taken/by", after: "cannot be" },
    ];
    assert.throws(() => writeChanges(stage.folder, changes), {
      name: "Problem",
      message: /^EISDIR.*\. What had been written was taken back\.$/,
    });
    assert.deepEqual(stage.bytes(), before);
    await assert.rejects(Deno.stat(`${stage.folder}/supabase/functions`), Deno.errors.NotFound);
  }));

Deno.test("a folder in the place of a file is said, and nothing is written", () =>
  inProject({
    "supabase/config.toml": FRESH,
    "supabase/functions/relay/relay.js/mine.txt": "x",
  }, async (stage) => {
    const before = stage.bytes();
    await assert.rejects(stage.init(), {
      name: "Problem",
      message: /^supabase\/functions\/relay\/relay\.js cannot be read: EISDIR/,
    });
    assert.deepEqual(stage.bytes(), before);
  }));

Deno.test("a function relay of one's own by another entrypoint is not opened to everybody", () =>
  inProject({
    "supabase/config.toml": `${FRESH}
[functions.relay]
verify_jwt = true
entrypoint = "./functions/relay/main.ts"
`,
    "supabase/functions/relay/main.ts": OWN,
  }, async (stage) => {
    const before = stage.bytes();
    for (const args of [[], ["--dry-run"]]) {
      await assert.rejects(stage.init(args), {
        name: "Problem",
        message:
          /^supabase\/functions\/relay is a function of your own, by the entrypoint \.\/fun.* rename yours/,
      });
    }
    assert.deepEqual(stage.bytes(), before);
    await stage.init(["--force"]);
    // Whoever leads the relay's own function through a file of theirs goes on getting upgrades.
    const { code, text } = await stage.init();
    assert.equal(code, 0);
    assert.match(text, /entrypoint = "\.\/functions\/relay\/main\.ts".* take that line out/);
  }));

Deno.test("a config.toml that names an import map gets one, since the CLI stops without", () =>
  inProject({
    "supabase/config.toml": `${FRESH}
[functions.relay]
enabled = true
verify_jwt = true
import_map = "./functions/relay/deno.json"
entrypoint = "./functions/relay/index.ts"
`,
  }, async (stage) => {
    await stage.init();
    assert.equal(stage.read("supabase/functions/relay/deno.json"), '{ "imports": {} }\n');
    assert.match(
      stage.read("supabase/config.toml"),
      /^verify_jwt = false # realtime-relay: was true$/m,
    );
    await stage.remove();
    await thereAndBack(stage);
  }));

const CLI = ["--yes", "--prefer-offline", "supabase@3.1.0"];

Deno.test({
  name: `what the CLI itself makes by init and functions new${
    LONG ? "" : " (ignored: a full count)"
  }`,
  ignore: !LONG,
  fn: () =>
    inProject({}, async (stage) => {
      const cli = (...args: string[]) => run("npx", [...CLI, ...args], stage.folder);
      assert.equal((await cli("init")).code, 0);
      await thereAndBack(stage);
      assert.equal((await cli("functions", "new", "relay")).code, 0);
      await assert.rejects(stage.init(), { message: /is a function of your own/ });
      await Deno.remove(`${stage.folder}/supabase/functions`, { recursive: true });
      await thereAndBack(stage);
    }),
});
