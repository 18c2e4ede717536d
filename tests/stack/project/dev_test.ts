import assert from "node:assert/strict";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readSettings } from "../../../tools/stack/cli/settings.ts";
import type { StackInfo } from "../../../tools/stack/info.ts";
import { type Command, runIn } from "../../support/dev.ts";
import { withDirectory } from "../../support/directory.ts";
import { LONG } from "../../support/long.ts";
import { writeFiles } from "./support/files.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** Of a developer's own shell, where it names another database and another way to Supabase. */
const SHELL = {
  ...{ PGHOST: "db.invalid", PGSSLMODE: "require", PGSSLROOTCERT: "/nowhere.crt" },
  SUPABASE_PROFILE: "nowhere",
};

/** `dev` as a program that lies elsewhere, called in `cwd`. */
const dev = (cwd: string, ...options: string[]): Command =>
  runIn(
    cwd,
    SHELL,
    ...["run", "-A", "--config", `${ROOT}deno.json`],
    `${ROOT}tools/stack/main.ts`,
    ...options,
  );

/** What it prints when it is ready, as JSON. */
async function ready(command: Command): Promise<StackInfo> {
  const line = await command.line();
  if (!line) throw new Error(`dev ended:\n${command.stderr.join("\n")}`);
  return JSON.parse(line);
}

/** A port that somebody else listens on. */
async function takePort() {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return { port, [Symbol.dispose]: () => void server.close() };
}

const FILES = {
  "migrations/20260101000000_notes.sql": "create table public.notes (id int primary key);\n" +
    "create extension moddatetime;\n",
  "seed.sql": "insert into public.notes values (1);\n",
  "functions/hello/index.ts": "Deno.serve(() => new Response('hello'));",
};

Deno.test("dev --project runs the project around the folder where it is called, next to its ports", () =>
  withDirectory(async (directory) => {
    using taken = await takePort();
    const supabase = join(await Deno.realPath(directory), "supabase");
    await writeFiles(supabase, {
      ...FILES,
      "config.toml":
        `[api]\nport = ${taken.port}\n[functions.hello]\nverify_jwt = false\n[functions.gone]\n`,
    });
    const command = dev(join(supabase, "functions"), "--project", ".", "--json");
    const info = await ready(command);
    const { api } = info.PORTS!;
    assert.equal(api.asked, taken.port);
    assert.equal(info.API_URL, `http://127.0.0.1:${api.used}`);
    assert.ok(api.used !== taken.port && api.used < 32_768);
    assert.equal(info.PROJECT, supabase);

    const headers = { apikey: info.SECRET_KEY };
    const notes = await fetch(`${info.API_URL}/rest/v1/notes`, { headers });
    assert.deepEqual(await notes.json(), [{ id: 1 }]);
    assert.equal(await (await fetch(info.FUNCTIONS!.hello)).text(), "hello");
    const health = await (await fetch(`${info.RELAY_URL}/health`)).json();
    assert.deepEqual([health.status, health.anonymous], ["ok", "join"]);
    assert.match(await (await fetch(info.API_URL)).text(), /\/functions\/v1\/hello/);

    const moved = `Port ${taken.port} of [api] is not free: ${api.used} instead.`;
    assert.equal(command.stderr.filter((line) => line.startsWith(moved)).length, 1);
    assert.ok(command.stderr.includes("Function gone: there is no functions/gone/index.ts."));
    assert.equal(
      await Deno.readTextFile(join(supabase, ".temp/realtime-relay/.gitignore")),
      "*\n",
    );
    command.signal("SIGTERM");
    assert.equal(await command.exited, 0);
  }));

Deno.test({
  name:
    "dev --project again: new migrations are applied, seeds are not, what was left out is known (long form)",
  ignore: !LONG,
  fn: () =>
    withDirectory(async (directory) => {
      const supabase = join(await Deno.realPath(directory), "supabase");
      await writeFiles(supabase, { ...FILES, "config.toml": "" });
      const start = async (...options: string[]) => {
        const command = dev(directory, "--project", ".", "--port", "0", "--json", ...options);
        return { command, info: await ready(command) };
      };
      const stop = async (command: Command) => {
        command.signal("SIGTERM");
        await command.exited;
      };
      await stop((await start()).command);

      await writeFiles(supabase, {
        "seed.sql": "insert into public.notes values (2);\n",
        "migrations/20260102000000_more.sql": "alter table public.notes add title text;\n" +
          "alter table public.notes\n  add meaning vector(3);\n",
      });
      const failing = dev(directory, "--project", ".", "--port", "0", "--json");
      assert.equal(await failing.exited, 1);
      assert.deepEqual(failing.stdout, []);
      assert.deepEqual(failing.stderr.slice(-3), [
        "The migration 20260102000000_more.sql cannot be applied here:",
        '  migrations/20260102000000_more.sql:3: type "vector" does not exist (42704). ' +
        "No package brings pgvector, which hosted projects have.",
        "--skip-failing leaves out what fails, and says what that was.",
      ]);

      for (const options of [["--skip-failing"], []]) {
        const { command, info } = await start(...options);
        assert.deepEqual(info.LEFT_OUT!.map(({ file, line }) => `${file}:${line}`), [
          "migrations/20260102000000_more.sql:3",
        ]);
        const headers = { apikey: info.SECRET_KEY };
        const notes = await fetch(`${info.API_URL}/rest/v1/notes`, { headers });
        assert.deepEqual(await notes.json(), [{ id: 1, title: null }]);
        const told = "seed.sql has changed since it was run, and is not run again.";
        assert.ok(command.stderr.includes(told));
        await stop(command);
      }

      await Deno.remove(join(supabase, "migrations/20260102000000_more.sql"));
      const gone = dev(directory, "--project", ".", "--port", "0", "--json");
      assert.equal(await gone.exited, 1);
      assert.equal(
        gone.stderr.at(-1),
        "The database has migrations that the project has no more: 20260102000000. " +
          `Put their files back, or remove ${supabase}/.temp/realtime-relay and begin anew.`,
      );
    }),
});

Deno.test("dev --project: what is wrong with the project is told at once, and nothing starts", () =>
  withDirectory(async (directory) => {
    await writeFiles(join(directory, "supabase"), {
      "config.toml": "[api]\nport = 0\n[db]\nport = 'x'\n",
    });
    const command = dev(directory, "--project", ".");
    assert.equal(await command.exited, 1);
    assert.deepEqual(command.stdout, []);
    assert.deepEqual(command.stderr, [
      "config.toml: [api] port wants a number from 1 to 65535.",
      "config.toml: [db] port wants a number from 1 to 65535.",
    ]);
    await assert.rejects(Deno.stat(join(directory, "supabase/.temp")));

    const cases: [string[], RegExp][] = [
      [["--project", join(directory, "nowhere")], /^There is no folder .*nowhere\.$/],
      [["--project", "/dev"], /^No Supabase project is in \/dev or above it/],
      [["--project", ""], /^--project wants a directory\.$/],
      [["--skip-failing"], /^--skip-failing and --env-file are about a --project\.$/],
      [["--env-file", "x"], /^--skip-failing and --env-file are about a --project\.$/],
    ];
    for (const [args, message] of cases) assert.throws(() => readSettings(args), { message });
  }));
