import assert from "node:assert/strict";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import postgres from "postgres";
import { type Api, startApi } from "../../tools/stack/api/api.ts";
import { startGateway } from "../../tools/stack/gateway/gateway.ts";
import { type Keys, loadKeys, signToken } from "../../tools/stack/keys.ts";
import { startPostgres } from "../../tools/stack/postgres/postgres.ts";
import { CLUSTER } from "../support/database.ts";
import { inTime } from "../support/in_time.ts";
import { takeCopy } from "../support/template.ts";

/** What reaches the console of this process. In place before anything can lay itself over it. */
const said: unknown[][] = [];
for (const level of ["log", "info", "warn", "error"] as const) {
  console[level] = (...data) => void said.push(data);
}

interface Project {
  url: string;
  keys: Keys;
  api: Api;
  admin: postgres.Sql;
  log: Record<string, unknown>[];
  databaseUrl: string;
  /** A client of the project, signed in as nobody. */
  client(key?: string): SupabaseClient;
}

/** REST and Auth on a database of their own, behind the gateway. */
async function withProject(work: (project: Project) => Promise<void>) {
  const dataDir = await takeCopy(CLUSTER);
  const keys = await loadKeys(dataDir);
  const database = await startPostgres({ dataDir, settings: { fsync: "off" } });
  const admin = postgres(database.adminUrl, { max: 1, onnotice: () => {} });
  const log: Project["log"] = [];
  const databaseUrl = database.url;
  const api = await startApi({
    databaseUrl,
    keys,
    siteUrl: "http://127.0.0.1",
    log: log.push.bind(log),
  });
  const gateway = await startGateway({ port: 0, keys, targets: { api: api.fetch } });
  const client = (key = keys.publishableKey) =>
    createClient(gateway.url, key, { auth: { persistSession: false, autoRefreshToken: false } });
  try {
    await work({ url: gateway.url, keys, api, admin, log, databaseUrl, client });
  } finally {
    await gateway.stop();
    await api.stop();
    await admin.end();
    await database.stop();
    await Deno.remove(dataDir, { recursive: true });
  }
}

/** A table whose rows their owner alone sees, and a function that says who asks. */
const NOTES = `
  create table public.notes (id int primary key, owner uuid default auth.uid(), body text);
  alter table public.notes enable row level security;
  create policy "own notes" on public.notes to authenticated
    using (owner = (select auth.uid())) with check (owner = (select auth.uid()));
  grant all on public.notes to anon, authenticated, service_role;
  create function public.who() returns jsonb language sql as $$
    select jsonb_build_object('role', current_user, 'sub', auth.uid())
  $$;`;

Deno.test("REST and Auth of the local stack", (test) =>
  withProject(async ({ url, keys, api, admin, log, databaseUrl, client }) => {
    const [alice, bob] = [client(), client()];
    const ids = Object.fromEntries(api.users.map(({ email, id }) => [email, id]));
    await admin.unsafe(NOTES);
    const rest = (path: string, token?: string) =>
      fetch(`${url}/rest/v1/${path}`, {
        headers: {
          apikey: keys.publishableKey,
          ...(token && { authorization: `Bearer ${token}` }),
        },
      });

    await test.step("alice and bob can sign in with the password that the stack prints", async () => {
      for (
        const [user, email] of [[alice, "alice@example.com"], [bob, "bob@example.com"]] as const
      ) {
        const { data, error } = await user.auth.signInWithPassword({
          email,
          password: keys.userPassword,
        });
        assert.equal(error, null);
        assert.equal(data.user!.id, ids[email]);
        assert.equal(data.user!.aud, "authenticated");
      }
    });

    await test.step("a wrong password is refused", async () => {
      const { error } = await client().auth.signInWithPassword({
        ...{ email: "alice@example.com", password: "wrong password" },
      });
      assert.equal(error?.status, 400);
    });

    await test.step("somebody new can sign up, is known by the token, and can refresh it", async () => {
      const user = client();
      const email = "carol@example.com";
      const { data, error } = await user.auth.signUp({ email, password: "a good password" });
      assert.equal(error, null);
      const { id } = data.user!;
      const before = data.session!.refresh_token;
      assert.equal((await user.auth.getUser()).data.user?.id, id);
      const refreshed = await user.auth.refreshSession();
      assert.equal(refreshed.error, null);
      assert.equal(refreshed.data.user!.id, id);
      assert.notEqual(refreshed.data.session!.refresh_token, before);
      assert.equal((await user.auth.signOut()).error, null);
      assert.equal((await user.rpc("who")).data.role, "anon");
    });

    await test.step("rows are seen by whom the policies allow: owner, nobody else, the secret key", async () => {
      assert.equal((await alice.from("notes").insert({ id: 1, body: "mine" })).error, null);
      const seen = async (who: SupabaseClient) => (await who.from("notes").select("id")).data;
      assert.deepEqual(await seen(alice), [{ id: 1 }]);
      assert.deepEqual(await seen(bob), []);
      assert.deepEqual(await seen(client()), []);
      for (const key of [keys.secretKey, keys.serviceRoleKey]) {
        assert.deepEqual(await seen(client(key)), [{ id: 1 }]);
      }
      const forged = await bob.from("notes").insert({ id: 2, owner: ids["alice@example.com"] });
      assert.equal(forged.error?.code, "42501");
    });

    await test.step("each key and token acts as its role", async () => {
      const who = async (key?: string) => (await client(key).rpc("who")).data;
      assert.deepEqual(await who(), { role: "anon", sub: null });
      assert.deepEqual(await who(keys.anonKey), { role: "anon", sub: null });
      assert.deepEqual(await who(keys.secretKey), { role: "service_role", sub: null });
      // As with PostgREST, a signature is enough: Auth need not know the user.
      const sub = crypto.randomUUID();
      const claims = { role: "authenticated", sub };
      const answer = await rest("rpc/who", await signToken(keys.jwtSecret, claims, 60));
      assert.deepEqual(await answer.json(), { role: "authenticated", sub });
    });

    await test.step("a bad token is refused and never taken for anonymous", async () => {
      const claims = { role: "authenticated", sub: crypto.randomUUID() };
      const none = `${btoa('{"alg":"none"}')}.${btoa(JSON.stringify(claims))}.`.replaceAll("=", "");
      for (
        const [token, code] of [
          [await signToken(keys.jwtSecret, claims, -60), "PGRST303"],
          [await signToken(keys.jwtSecret, { ...claims, nbf: 1e11 }, 60), "PGRST303"],
          [await signToken("another secret than the project's", claims, 60), "PGRST301"],
          [none, "PGRST301"],
          ["garbage", "PGRST301"],
        ]
      ) {
        const answer = await rest("rpc/who", token);
        assert.equal(answer.status, 401, code);
        assert.equal((await answer.json()).code, code);
        assert.match(answer.headers.get("www-authenticate")!, /^Bearer error="invalid_token"/);
      }
    });

    await test.step("what a migration has just made is found", async () => {
      await admin.unsafe(`alter table public.notes add column later text;
        create table public.later (id int); grant select on public.later to anon;
        create function public.latest() returns int language sql as 'select 1'`);
      assert.deepEqual((await client().from("later").select()).data, []);
      assert.equal((await client().rpc("latest")).data, 1);
      assert.deepEqual((await alice.from("notes").select("later")).data, [{ later: null }]);
      assert.equal((await client().from("never").select()).error?.code, "PGRST205");
    });

    await test.step("a second start keeps the users and makes the printed password true again", async () => {
      await alice.auth.updateUser({ password: "changed in the meantime" });
      const again = await startApi({ databaseUrl, keys, siteUrl: url });
      assert.deepEqual(again.users, api.users);
      await again.stop();
      const { error } = await client().auth.signInWithPassword({
        ...{ email: "alice@example.com", password: keys.userPassword },
      });
      assert.equal(error, null);
    });

    await test.step("mail is not delivered, and its secrets are not logged", async () => {
      assert.equal((await client().auth.resetPasswordForEmail("bob@example.com")).error, null);
      const { to, subject, ...rest } = log.find(({ part }) => part === "auth")!;
      assert.equal(to, "bob@example.com");
      assert.ok(subject);
      assert.deepEqual(rest, { part: "auth", event: "mail not delivered" });
    });
  }));

Deno.test("a refused request leaves nothing on the console", () =>
  withProject(async ({ client, admin }) => {
    said.length = 0;
    await admin.unsafe(NOTES);
    assert.equal((await client().from("notes").insert({ id: 1 })).error?.code, "42501");
    assert.equal((await client().from("never").select()).error?.code, "PGRST205");
    assert.equal((await client().from("notes").select("nothing")).error?.code, "42703");
    await client().auth.signInWithPassword({ email: "alice@example.com", password: "wrong" });
    await client().auth.resetPasswordForEmail("bob@example.com");
    console.log("the console itself goes on");
    assert.deepEqual(said, [["the console itself goes on"]]);
  }));

Deno.test("stop() does not wait for requests that stand in line", () =>
  withProject(async ({ url, api, keys, admin }) => {
    await admin.unsafe(NOTES);
    const leave = new AbortController();
    const headers = { apikey: keys.publishableKey };
    const ask = (count: number) =>
      Array.from(
        { length: count },
        () => fetch(`${url}/rest/v1/rpc/who`, { headers, signal: leave.signal }),
      );
    // A new connection asks for the types, which nobody awaits: all of them are open before the end.
    await Promise.all(ask(20).map(async (response) => await (await response).text()));
    const asked = ask(100);
    const settled = Promise.allSettled(asked);
    await asked[0].then((response) => response.body?.cancel());
    leave.abort();
    await inTime(api.stop(), "the API has stopped");
    await settled;
  }));
