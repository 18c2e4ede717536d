import assert from "node:assert/strict";
import { join } from "node:path";
import { readConfig } from "../../../tools/stack/project/config.ts";
import { findProject } from "../../../tools/stack/project/find.ts";
import { openProject } from "../../../tools/stack/project/project.ts";
import { withDirectory } from "../../support/directory.ts";
import { writeFiles } from "./support/files.ts";

const message = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("It was taken.");
};

/** Runs `work` on a project with these files in its `supabase` folder. */
const withProject = (
  files: Record<string, string>,
  work: (supabase: string, directory: string) => void | Promise<void>,
) =>
  withDirectory(async (directory) => {
    const supabase = join(await Deno.realPath(directory), "supabase");
    await Deno.mkdir(supabase);
    await writeFiles(supabase, files);
    await work(supabase, directory);
  });

Deno.test("config.toml: what it leaves out is the CLI's default", () => {
  const { api, db, auth, functions } = readConfig("", {});
  assert.deepEqual([api.port, db.port, api.max_rows], [54321, 54322, 1000]);
  assert.deepEqual(api.schemas, ["public", "graphql_public"]);
  assert.deepEqual(db.seed, { enabled: true, sql_paths: ["./seed.sql"] });
  assert.equal(auth.enable_signup, true);
  assert.deepEqual(functions, {});
});

Deno.test("config.toml: a function wants a token unless it says otherwise", () => {
  const { functions } = readConfig("[functions.a]\n[functions.b]\nverify_jwt = false", {});
  assert.deepEqual([functions.a.verify_jwt, functions.b.verify_jwt], [true, false]);
});

Deno.test("config.toml: env() is a variable's value, also for a number and a truth", () => {
  const toml = '[api]\nport = "env(P)"\n[auth]\nsite_url = "env(U)"\nenable_signup = "env(S)"';
  const { api, auth } = readConfig(toml, { P: "8123", S: "false" });
  assert.equal(api.port, 8123);
  assert.equal(auth.site_url, "env(U)");
  assert.equal(auth.enable_signup, false);
});

Deno.test("config.toml: a size is a number of bytes or a text, of a bucket too", () => {
  const bucket = (size: string) =>
    readConfig(`[storage.buckets.a]\nfile_size_limit = ${size}`, {}).storage.buckets?.a;
  assert.equal(bucket("1000")?.file_size_limit, "1000B");
  assert.equal(bucket('"5MiB"')?.file_size_limit, "5MiB");
  assert.equal(
    message(() => bucket('"large"')),
    'config.toml: [storage.buckets.a] file_size_limit wants a size such as "50MiB".',
  );
});

Deno.test("config.toml: every problem is told at once, by its name and without its value", () => {
  const toml = [
    '[api]\nport = "a secret"\nschemas = "public"',
    "[db]\nport = 70000",
    "[functions.hello]\nverify_jwt = 1",
    "[storage]\nfile_size_limit = 'large'",
  ].join("\n");
  assert.deepEqual(message(() => readConfig(toml, {})).split("\n"), [
    "config.toml: [api] port wants a number from 1 to 65535.",
    "config.toml: [api] schemas wants a list of texts.",
    "config.toml: [db] port wants a number from 1 to 65535.",
    'config.toml: [storage] file_size_limit wants a size such as "50MiB".',
    "config.toml: [functions.hello] verify_jwt wants true or false.",
  ]);
  assert.equal(
    message(() => readConfig("api = 1", {})),
    "config.toml: [api] wants to be a table.",
  );
});

Deno.test("config.toml: what is not TOML is told with its line, and not quoted", () => {
  const told = message(() => readConfig('[api]\nport = 1\nkey = "sb_secret_x\n', {}));
  assert.match(told, /^config\.toml, line 3: this is not TOML: .+\.$/);
  assert.ok(!told.includes("sb_secret"), told);
});

Deno.test("a project is found from its folder, from its supabase folder and from below", () =>
  withProject(
    { "config.toml": "", "functions/a/index.ts": "" },
    (supabase, directory) => {
      for (const place of ["", "supabase", "supabase/functions/a"]) {
        assert.equal(findProject(join(directory, place)), supabase);
      }
    },
  ));

Deno.test("a package that is named supabase is no project: the folder in it is", () =>
  withProject({ "functions/invoke.ts": "", "supabase/config.toml": "" }, (named, directory) => {
    const supabase = join(named, "supabase");
    for (const place of ["supabase", "supabase/functions", "supabase/supabase"]) {
      assert.equal(findProject(join(directory, place)), supabase);
    }
  }));

Deno.test("no project, and no folder, are a sentence each", () => {
  assert.match(message(() => findProject("/dev")), /^No Supabase project is in \/dev or above it/);
  assert.equal(message(() => findProject("/nowhere")), "There is no folder /nowhere.");
});

Deno.test("functions: folders with an index and what config.toml adds, and nothing else", () =>
  withProject({
    "config.toml": [
      "[functions.open]\nverify_jwt = false",
      '[functions.elsewhere]\nentrypoint = "./code/main.ts"\nimport_map = "./code/map.json"',
      "[functions.off]\nenabled = false",
      "[functions.gone]",
    ].join("\n"),
    "functions/open/index.ts": "",
    "functions/open/deno.json": "{}",
    "functions/closed/index.ts": "",
    "functions/old/index.js": "",
    "functions/old/import_map.json": "{}",
    "functions/off/index.ts": "",
    "functions/_shared/index.ts": "",
    "functions/empty/readme.md": "",
    "code/main.ts": "",
    "code/map.json": "{}",
  }, (supabase) => {
    const { functions, notes } = openProject({ directory: supabase });
    const at = (path: string) => join(supabase, path);
    assert.deepEqual(functions, [
      {
        ...{ name: "closed", entry: at("functions/closed/index.ts"), verifyJwt: true },
        imports: ["--no-config"],
      },
      {
        ...{ name: "elsewhere", entry: at("code/main.ts"), verifyJwt: true },
        imports: ["--no-config", "--import-map", at("code/map.json")],
      },
      {
        ...{ name: "old", entry: at("functions/old/index.js"), verifyJwt: true },
        imports: ["--no-config", "--import-map", at("functions/old/import_map.json")],
      },
      {
        ...{ name: "open", entry: at("functions/open/index.ts"), verifyJwt: false },
        imports: ["--config", at("functions/open/deno.json")],
      },
    ]);
    assert.deepEqual(notes, ["Function gone: there is no functions/gone/index.ts."]);
  }));

Deno.test("functions find the secrets of config.toml and of .env, which counts more", () =>
  withProject({
    "config.toml": '[edge_runtime.secrets]\nA = "env(FROM_ROOT)"\nB = "b"',
    "../.env": "FROM_ROOT=a",
    "functions/.env": 'B="from .env"\nSUPABASE_URL=https://elsewhere\n# C=c',
    "other.env": "B=other",
  }, (supabase, directory) => {
    const { env, notes } = openProject({ directory });
    assert.deepEqual(env(), { A: "a", B: "from .env" });
    assert.match(notes[0], /^SUPABASE_URL: the names that begin with SUPABASE_ are/);
    const other = openProject({ directory, envFile: join(supabase, "other.env") });
    assert.equal(other.env().B, "other");
    const gone = join(supabase, "gone.env");
    assert.equal(
      message(() => openProject({ directory, envFile: gone })),
      `${gone} cannot be read: there is none.`,
    );
  }));

Deno.test("migrations and seeds come in order; what is passed over is told", () =>
  withProject({
    "config.toml": '[db.seed]\nsql_paths = ["./seeds/b*.sql", "./seeds/*.sql", "./none/*.sql"]',
    "migrations/20260102000000_b.sql": "",
    "migrations/20260101000000_a.sql": "",
    "migrations/notes.sql": "",
    "seeds/a.sql": "",
    "seeds/b.sql": "",
  }, (supabase) => {
    const { migrations, seeds, notes } = openProject({ directory: supabase });
    const names = (paths: string[]) => paths.map((path) => path.slice(supabase.length + 1));
    assert.deepEqual(names(migrations), [
      "migrations/20260101000000_a.sql",
      "migrations/20260102000000_b.sql",
    ]);
    assert.deepEqual(names(seeds), ["seeds/b.sql", "seeds/a.sql"]);
    assert.match(notes[0], /^notes\.sql: a migration is named/);
    assert.equal(notes[1], "[db.seed] sql_paths: nothing fits ./none/*.sql.");
  }));

Deno.test("files are found in folders whose names hold what patterns are made of", () =>
  withProject({
    "../app/[id] {a,b} *?/supabase/migrations/20260101000000_a.sql": "",
    "../app/[id] {a,b} *?/supabase/seed.sql": "",
  }, (_, directory) => {
    const project = openProject({ directory: join(directory, "app/[id] {a,b} *?") });
    assert.deepEqual(project.migrations, [
      join(project.directory, "migrations/20260101000000_a.sql"),
    ]);
    assert.deepEqual(project.seeds, [join(project.directory, "seed.sql")]);
  }));

Deno.test("a seed may be named by its whole path", () =>
  withProject({ "../seeds/a.sql": "" }, async (supabase, directory) => {
    const seed = join(await Deno.realPath(directory), "seeds/a.sql");
    await writeFiles(supabase, { "config.toml": `[db.seed]\nsql_paths = ["${seed}"]` });
    assert.deepEqual(openProject({ directory }).seeds, [seed]);
  }));

Deno.test("two migrations of one version are a sentence: the database's list holds each once", () =>
  withProject({
    "migrations/20260101000000_a.sql": "",
    "migrations/20260101000000_b.sql": "",
    "migrations/20260102000000_c.sql": "",
  }, (supabase) => {
    assert.equal(
      message(() => openProject({ directory: supabase })),
      "migrations/20260101000000_a.sql and migrations/20260101000000_b.sql have the same version: " +
        "give one of them another.",
    );
  }));

Deno.test("a function's folder may be a link", () =>
  withProject(
    { "../elsewhere/hello/index.ts": "", "functions/a/index.ts": "" },
    async (supabase) => {
      await Deno.symlink("../../elsewhere/hello", join(supabase, "functions/hello"));
      const { functions } = openProject({ directory: supabase });
      assert.deepEqual(functions.map(({ name }) => name), ["a", "hello"]);
    },
  ));

Deno.test("a byte order mark, with which some editors begin a file, is no part of its first name", () =>
  withProject({
    "config.toml": '\uFEFF[api]\nport = "env(PORT_OF_API)"',
    ".env": "\uFEFFPORT_OF_API=8123",
    "functions/.env": "\uFEFFA=a\r\nB=b\r\n",
  }, (supabase) => {
    const { config, env } = openProject({ directory: supabase });
    assert.equal(config.api.port, 8123);
    assert.deepEqual(env(), { A: "a", B: "b" });
  }));
