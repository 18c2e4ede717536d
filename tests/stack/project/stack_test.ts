import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import postgres from "postgres";
import type { SupabaseClient } from "@supabase/supabase-js";
import { relayTransport } from "../../../client/mod.ts";
import { createClient } from "@supabase/supabase-js";
import { LONG } from "../../support/long.ts";
import { withDirectory } from "../../support/directory.ts";
import {
  client,
  example,
  type ExampleStack,
  signedIn,
  withProjectStack,
} from "./support/example.ts";
import { writeFiles } from "./support/files.ts";

const ROOM = "c0ffee00-0000-4000-8000-000000000003";
const OTHER_ROOM = "c0ffee00-0000-4000-8000-000000000004";

/** What is told of a request: its data, or the code of its error. */
async function outcome(
  question: PromiseLike<{ data: unknown; error: { code?: string; message: string } | null }>,
) {
  const { data, error } = await question;
  return error ? error.code ?? error.message : data;
}

/** The chat with an env file for its functions, which git keeps none of. */
const withChat = (work: (stack: ExampleStack) => Promise<void>) =>
  withDirectory(async (directory) => {
    await cp(example("chat"), directory, { recursive: true });
    await writeFiles(directory, { "supabase/functions/.env": 'MAIL_SENDER="chat@example.com"\n' });
    await withProjectStack(directory, work);
  });

Deno.test({
  name:
    "a chat runs whole: people, rooms, files, functions, an INSERT through the relay (long form)",
  ignore: !LONG,
  fn: (test) =>
    withChat(async ({ info, told }) => {
      const [alice, bob] = [await signedIn(info, "alice"), await signedIn(info, "bob")];

      await test.step("all of its SQL was taken, and nothing had to be said", () => {
        assert.deepEqual(info.LEFT_OUT, []);
        // Another test may be on one of its ports.
        const sentences = told.filter((line) => /^(?!Port ).*\.$/.test(line));
        assert.deepEqual(sentences, []);
        assert.deepEqual(Object.keys(info.FUNCTIONS!), ["invite", "status"]);
        assert.deepEqual(info.USERS, []);
      });

      await test.step("members read, others do not, in each schema of [api] schemas", async () => {
        const ask = (who: SupabaseClient) => outcome(who.from("messages").select("content"));
        assert.deepEqual(await ask(alice), [{ content: "hello" }]);
        assert.deepEqual(await ask(bob), []);
        const reports = alice.schema("reports").from("busiest").select("messages");
        assert.deepEqual(await outcome(reports), [{ messages: 1 }]);
        const hidden = alice.schema("private").from("anything").select();
        assert.equal(await outcome(hidden), "PGRST106");
      });

      await test.step("a trigger on auth.users sees who signs up", async () => {
        const carol = { email: "carol@example.com", password: "a good password" };
        assert.equal((await client(info).auth.signUp(carol)).error, null);
        const profiles = alice.from("profiles").select("username").eq("username", "carol");
        assert.deepEqual(await outcome(profiles), [{ username: "carol" }]);
      });

      await test.step("policies on storage.objects decide who stores and who reads", async () => {
        const files = alice.storage.from("attachments");
        const [path, file] = [`${ROOM}/a.txt`, new Blob(["hello"], { type: "text/plain" })];
        assert.equal((await files.upload(path, file)).error, null);
        assert.notEqual((await files.upload(`${OTHER_ROOM}/a.txt`, file)).error, null);
        assert.notEqual((await files.upload(`${ROOM}/a.html`, file)).error, null);
        const { data } = await files.download(path);
        assert.deepEqual([data!.type, await data!.text()], ["text/plain", "hello"]);
        assert.notEqual((await bob.storage.from("attachments").download(path)).error, null);
        const signed = await files.createSignedUrl(path, 60);
        assert.equal(await (await fetch(signed.data!.signedUrl)).text(), "hello");
        assert.equal((await files.list(ROOM)).data!.length, 1);
        assert.equal((await files.move(path, `${ROOM}/b.txt`)).error, null);
        assert.equal((await files.remove([`${ROOM}/b.txt`])).data!.length, 1);
        assert.notEqual((await files.download(path)).error, null);
      });

      await test.step("its functions ask REST as whoever calls them", async () => {
        const { data } = await alice.functions.invoke("invite", { body: { email: "x" } });
        assert.deepEqual(data, { email: "x", rooms: [{ slug: "general" }] });
        const { error } = await client(info).functions.invoke("invite", { body: { email: "x" } });
        assert.equal(error.context.status, 401);
        const status = await fetch(info.FUNCTIONS!.status);
        assert.deepEqual(await status.json(), { ok: true, sender: "chat@example.com" });
      });

      await test.step("an INSERT comes to a member through the relay, which it does not have", async () => {
        const token = async () => (await alice.auth.getSession()).data.session!.access_token;
        const transport = relayTransport({ relay: info.RELAY_URL, token });
        const live = createClient(info.API_URL, info.PUBLISHABLE_KEY, { realtime: { transport } });
        const heard = Promise.withResolvers<string>();
        const channel = live.channel("room").on(
          "postgres_changes",
          { event: "INSERT", schema: "public", table: "messages" },
          ({ new: { content } }) => heard.resolve(content),
        );
        await new Promise((resolve, reject) =>
          channel.subscribe((status, error) => {
            if (status === "SUBSCRIBED") resolve(status);
            else reject(error ?? status);
          })
        );
        await alice.from("messages").insert({ room_id: ROOM, content: "live" });
        assert.equal(await heard.promise, "live");
        await live.removeAllChannels();
      });
    }),
});

Deno.test({
  name: "a shop: the first migration that fails is told, with each line of it (long form)",
  ignore: !LONG,
  fn: () =>
    assert.rejects(withProjectStack(example("shop"), () => Promise.resolve()), {
      message: [
        "The migration 20250401000000_shop.sql cannot be applied here:",
        '  migrations/20250401000000_shop.sql:3: extension "vector" is not available (0A000). ' +
        "No package brings vector: of extensions the stack has PostgreSQL's own contrib.",
        '  migrations/20250401000000_shop.sql:4: extension "pg_cron" is not available (0A000). ' +
        "No package brings pg_cron: of extensions the stack has PostgreSQL's own contrib.",
        '  migrations/20250401000000_shop.sql:23: type "extensions.vector" does not exist (42704). ' +
        "No package brings pgvector, which hosted projects have.",
        "--skip-failing leaves out what fails, and says what that was.",
      ].join("\n"),
    }),
});

Deno.test({
  name: "a shop: what fails is left out if asked, and all else runs (long form)",
  ignore: !LONG,
  fn: () =>
    withProjectStack(example("shop"), async ({ info, told }) => {
      const places = info.LEFT_OUT!.map(({ file, line }) => `${file}:${line}`);
      assert.deepEqual(places, [
        "migrations/20250401000000_shop.sql:3",
        "migrations/20250401000000_shop.sql:4",
        "migrations/20250401000000_shop.sql:23",
        "migrations/20250402000000_jobs.sql:1",
        "migrations/20250402000000_jobs.sql:7",
        "migrations/20250402000000_jobs.sql:10",
      ]);
      assert.equal(told.filter((line) => line.startsWith("Left out: migrations/")).length, 6);
      assert.ok(told.includes(
        "tell_warehouse() names net.http_post, which no package brings: it fails when it runs.",
      ));
      const products = client(info).from("products").select("title, stock");
      assert.deepEqual(await outcome(products), [{ title: "Tea", stock: 10 }]);
      const sql = postgres(info.DB_URL, { max: 1 });
      const [row] = await sql`
        select to_regclass('public.refunds') is not null as refunds,
          (select count(*)::int from supabase_migrations.schema_migrations
            where version like '2025%') as versions`;
      await sql.end();
      assert.deepEqual({ ...row }, { refunds: true, versions: 3 });
    }, { skipFailing: true }),
});
