import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import postgres from "postgres";
import type { StackInfo } from "../../tools/stack/info.ts";
import { type Command, dev, run } from "../support/dev.ts";
import { withDirectory } from "../support/directory.ts";
import { childOf, processEnd } from "./support/processes.ts";
import { LONG } from "../support/long.ts";

const SIGNALS: Deno.Signal[] = LONG ? ["SIGTERM", "SIGINT", "SIGHUP"] : ["SIGTERM"];

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
      assert.match(new URL(first.DB_URL).password, /^[\w-]{32}$/);
      assert.equal(first.RELAY_URL, `${first.API_URL}/functions/v1/relay`);
      assert.deepEqual(first.USERS.map((user) => Object.keys(user)), [
        ["email", "password", "id"],
        ["email", "password", "id"],
      ]);
      assert.equal(command.stdout.length, 1);
    });

    await test.step("serves the links page, and tells it the project", async () => {
      const page = await fetch(first.API_URL);
      assert.match(await page.text(), /<script type="module" src="main\.js">/);
      const config = await (await fetch(`${first.API_URL}/config.json`)).json();
      assert.equal(config.url, first.API_URL);
      assert.equal(config.key, first.PUBLISHABLE_KEY);
      const { SECRET_KEY, SERVICE_ROLE_KEY, JWT_SECRET, USERS } = first;
      for (const secret of [SECRET_KEY, SERVICE_ROLE_KEY, JWT_SECRET, USERS[0].password]) {
        assert.ok(!JSON.stringify(config).includes(secret));
      }
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

    await test.step(`stops everything on ${SIGNALS.join(", ")}, and keeps the data`, async () => {
      for (const signal of SIGNALS) {
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
