import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import postgres from "postgres";
import type { StackInfo } from "../tools/stack/info.ts";
import { type Command, dev, run } from "./support/dev.ts";
import { childOf, processEnd } from "./support/processes.ts";

async function withDirectory(work: (directory: string) => Promise<void>) {
  const directory = await Deno.makeTempDir({ prefix: "realtime-relay-test-" });
  try {
    await work(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** The three processes that the command started. */
function childrenOf({ pid }: Command): Promise<number[]> {
  const commands = [
    /\/postgres -D /,
    /functions\/relay\/index\.ts/,
    /functions\/redirect\/index\.ts/,
  ];
  return Promise.all(commands.map((command) => childOf(pid, command)));
}

const allEnded = (pids: number[]) => Promise.all(pids.map(processEnd));

const client = ({ API_URL, PUBLISHABLE_KEY }: StackInfo) =>
  createClient(API_URL, PUBLISHABLE_KEY, {
    auth: { persistSession: false, autoRefreshToken: false },
  });

async function clicks(info: StackInfo, who = client(info)): Promise<string[]> {
  const { data, error } = await who.from("url_clicks").select("slug").order("id");
  assert.equal(error, null);
  return data!.map(({ slug }) => slug);
}

async function open(info: StackInfo, slug: string, init: RequestInit = {}): Promise<string | null> {
  const url = `${info.API_URL}/functions/v1/redirect/${slug}`;
  const response = await fetch(url, { redirect: "manual", ...init });
  await response.body?.cancel();
  return response.headers.get("location");
}

Deno.test("deno task dev --json", (test) =>
  withDirectory(async (directory) => {
    let command = await dev(directory);
    const first = command.info;
    const [alice, bob] = [client(first), client(first)];

    await test.step("prints one object with everything that a client needs", () => {
      assert.deepEqual(Object.keys(first).sort(), [
        ...["ANON_KEY", "API_URL", "DB_URL", "JWT_SECRET", "PUBLISHABLE_KEY", "RELAY_URL"],
        ...["SECRET_KEY", "SERVICE_ROLE_KEY", "USERS"],
      ]);
      assert.match(first.API_URL, /^http:\/\/127\.0\.0\.1:\d+$/);
      assert.equal(first.RELAY_URL, `${first.API_URL}/functions/v1/relay`);
      assert.deepEqual(first.USERS.map((user) => Object.keys(user)), [
        ["email", "password", "id"],
        ["email", "password", "id"],
      ]);
      assert.equal(command.stdout.length, 1);
    });

    await test.step("lets its users sign in, and somebody new sign up", async () => {
      for (
        const [who, { email, password, id }] of [[alice, first.USERS[0]], [
          bob,
          first.USERS[1],
        ]] as const
      ) {
        const { data } = await who.auth.signInWithPassword({ email, password });
        assert.equal(data.user?.id, id);
      }
      const carol = { email: "carol@example.com", password: "a good password" };
      assert.equal((await client(first).auth.signUp(carol)).error, null);
    });

    await test.step("opens short links, and counts who clicks", async () => {
      assert.equal(await open(first, "docs"), "https://supabase.com/docs");
      assert.equal(await open(first, "docs", { method: "HEAD" }), "https://supabase.com/docs");
      assert.equal(
        await open(first, "docs", { headers: { "sec-purpose": "prefetch" } }),
        "https://supabase.com/docs",
      );
      assert.equal(await open(first, "nothing"), null);
      assert.deepEqual(await clicks(first), ["docs"]);
    });

    await test.step("opens private links for everybody, and shows their clicks to their owner", async () => {
      assert.equal(await open(first, "alice"), "https://example.com/alice");
      assert.deepEqual(await clicks(first), ["docs"]);
      assert.deepEqual(await clicks(first, bob), ["docs"]);
      assert.deepEqual(await clicks(first, alice), ["docs", "alice"]);
    });

    await test.step("broadcasts a click that anon inserts through REST", async () => {
      const { error } = await client(first).from("url_clicks").insert({ slug: "realtime" });
      assert.equal(error, null);
      const sql = postgres(first.DB_URL, { max: 1 });
      const [{ is_superuser }] = await sql`show is_superuser`;
      assert.equal(is_superuser, "on");
      const rows = await sql`
        select topic, extension, private, payload ->> 'slug' as slug
        from realtime.messages where topic = 'clicks:realtime'`;
      await sql.end();
      assert.deepEqual([...rows], [
        { topic: "clicks:realtime", extension: "broadcast", private: true, slug: "realtime" },
      ]);
    });

    await test.step("accepts the tokens of deno task token, and no expired one", async () => {
      const sub = first.USERS[0].id;
      const ask = async (...options: string[]) => {
        const token = run("run", "-A", "tools/stack/token.ts", "--data", directory, ...options);
        assert.equal(await token.exited, 0);
        const authorization = `Bearer ${token.stdout[0]}`;
        const headers = { apikey: first.PUBLISHABLE_KEY, authorization };
        const response = await fetch(`${first.API_URL}/rest/v1/url_clicks?slug=eq.alice`, {
          headers,
        });
        return [response.status, (await response.json()).length];
      };
      assert.deepEqual(await ask("--sub", sub), [200, 1]);
      assert.deepEqual(await ask(), [200, 0]);
      assert.deepEqual(await ask("--role", "service_role"), [200, 1]);
      assert.deepEqual(await ask("--role", "anon"), [200, 0]);
      assert.equal((await ask("--sub", sub, "--expires=-1s"))[0], 401);
    });

    await test.step("puts no stack trace and no secret on the screen", async () => {
      const forbidden = await client(first).from("short_links").insert({
        slug: "x",
        target_url: "x",
      });
      assert.equal(forbidden.error?.code, "42501");
      const wrong = await client(first).auth.signInWithPassword({
        ...{ email: first.USERS[0].email, password: "wrong password" },
      });
      assert.equal(wrong.error?.status, 400);
      const screen = command.stderr.join("\n");
      assert.doesNotMatch(screen, /\n\s+at /);
      const { PUBLISHABLE_KEY, SECRET_KEY, ANON_KEY, SERVICE_ROLE_KEY, JWT_SECRET, USERS } = first;
      const secrets = [PUBLISHABLE_KEY, SECRET_KEY, ANON_KEY, SERVICE_ROLE_KEY, JWT_SECRET];
      for (const secret of [...secrets, USERS[0].password]) assert.ok(!screen.includes(secret));
    });

    await test.step("refuses a second stack on the same data, in one sentence", async () => {
      const second = run("run", "-A", "tools/stack/main.ts", "--port", "0", "--data", directory);
      assert.equal(await second.exited, 1);
      assert.match(second.stderr.at(-1)!, /in use by another process: .* --data\.$/);
    });

    await test.step("stops everything on SIGTERM, SIGINT and SIGHUP, and keeps the data", async () => {
      for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
        const children = await childrenOf(command);
        command.signal(signal);
        assert.equal(await command.exited, 0, signal);
        await allEnded(children);
        command = await dev(directory);
        const { API_URL: _1, RELAY_URL: _2, DB_URL: _3, ...kept } = command.info;
        for (const [name, value] of Object.entries(kept)) {
          assert.deepEqual(value, first[name as keyof StackInfo], name);
        }
        assert.deepEqual(await clicks(command.info), ["docs", "realtime"]);
      }
    });

    await test.step("leaves nothing running after kill -9, and starts again", async () => {
      const children = await childrenOf(command);
      command.signal("SIGKILL");
      await command.exited;
      // At once: the next start may meet what the last one left.
      command = await dev(directory);
      assert.deepEqual(await clicks(command.info), ["docs", "realtime"]);
      await allEnded(children);
    });

    await test.step("stops everything when a part crashes, and says which", async () => {
      const names = [
        /^Postgres ended by itself/,
        /^The relay ended/,
        /^The redirect function ended/,
      ];
      for (const [index, name] of names.entries()) {
        const children = await childrenOf(command);
        Deno.kill(children[index], "SIGKILL");
        assert.equal(await command.exited, 1);
        assert.match(command.stderr.at(-1)!, name);
        await allEnded(children);
        command = await dev(directory);
      }
    });
    command.signal("SIGTERM");
    await command.exited;
  }));

Deno.test("deno task dev stops when whoever launched it is killed", () =>
  withDirectory(async (directory) => {
    const task = run("task", "dev", "--port", "0", "--data", directory, "--json");
    assert.ok(await task.line());
    const main = await childOf(task.pid, /main\.ts/);
    const relay = await childOf(main, /functions\/relay/);
    task.signal("SIGKILL");
    await allEnded([main, relay]);
  }));

Deno.test("deno task dev can be stopped while it starts", () =>
  withDirectory(async (directory) => {
    const command = run("run", "-A", "tools/stack/main.ts", "--port", "0", "--data", directory);
    let ended = false;
    command.exited.then(() => ended = true);
    while (!command.stderr.some((line) => line.includes("applying"))) {
      assert.ok(!ended, command.stderr.join("\n"));
      await new Promise((wake) => setTimeout(wake, 20));
    }
    const server = await childOf(command.pid, /\/postgres -D /);
    command.signal("SIGINT");
    assert.equal(await command.exited, 0);
    assert.deepEqual(command.stdout, []);
    await processEnd(server);
  }));

Deno.test("without --json, what is ready is a table for people", () =>
  withDirectory(async (directory) => {
    const command = run("run", "-A", "tools/stack/main.ts", "--port", "0", "--data", directory);
    while (!(await command.line())!.includes("Try: curl"));
    const labels = ["API URL", "Relay URL", "DB URL", "Publishable key", "Secret key", "anon key"];
    for (const label of [...labels, "service_role key", "JWT secret", "Users", "Data"]) {
      assert.ok(command.stdout.some((line) => line.trimStart().startsWith(`${label}: `)), label);
    }
    assert.equal(new Set(command.stdout.map((line) => line.indexOf(": "))).size, 1, "aligned");
    command.signal("SIGTERM");
    assert.equal(await command.exited, 0);
  }));

Deno.test("a taken port is one sentence with the way out, and nothing was started", () =>
  withDirectory(async (directory) => {
    const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const port = String(taken.addr.port);
    const command = run("run", "-A", "tools/stack/main.ts", "--port", port, "--data", directory);
    assert.equal(await command.exited, 1);
    assert.deepEqual(command.stdout, []);
    assert.deepEqual(command.stderr, [
      `Port ${port} is taken: stop what listens there, or choose another --port.`,
    ]);
    taken.close();
  }));

Deno.test("a mistake on the command line is one sentence and exit code 2", async () => {
  const cases: [string, string[], RegExp][] = [
    ["main.ts", ["--prot", "1"], /^There is no option --prot: --help lists what there is\.$/],
    ["main.ts", ["start"], /^Nothing can be done with "start"/],
    ["main.ts", ["--port"], /^The option --port is used the wrong way/],
    ["main.ts", ["--port", "http"], /^--port wants a number from 0 to 65535, not "http"\.$/],
    ["main.ts", ["--port", "70000"], /^--port wants a number/],
    ["token.ts", ["--role", "postgres"], /^--role wants anon, authenticated or service_role/],
    ["token.ts", ["--sub", "alice"], /^--sub wants a UUID/],
    ["token.ts", ["--expires", "soon"], /^--expires wants a time such as 90s/],
  ];
  await Promise.all(cases.map(async ([script, args, sentence]) => {
    const command = run("run", "-A", `tools/stack/${script}`, ...args);
    assert.equal(await command.exited, 2, args.join(" "));
    assert.deepEqual(command.stdout, []);
    assert.equal(command.stderr.length, 1, command.stderr.join("\n"));
    assert.match(command.stderr[0], sentence);
  }));
});

Deno.test("--help says what there is, and a token needs a stack", async () => {
  for (const script of ["main.ts", "token.ts"]) {
    const command = run("run", "-A", `tools/stack/${script}`, "--help");
    assert.equal(await command.exited, 0);
    assert.match(command.stdout.join("\n"), /deno task (dev|token) \[options\]/);
  }
  const token = run("run", "-A", "tools/stack/token.ts", "--data", "/nonexistent");
  assert.equal(await token.exited, 1);
  assert.match(token.stderr[0], /^There is no stack in \/nonexistent: run `deno task dev` once/);
});
