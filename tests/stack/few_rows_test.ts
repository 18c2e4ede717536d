import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import postgres from "postgres";
import { type TestStack, withStack } from "../support/stack.ts";

/** Adds rows as PostgREST's users do; `token` is somebody's who signed in. */
async function add({ info }: TestStack, table: string, rows: object[], token?: string) {
  const response = await fetch(`${info.API_URL}/rest/v1/${table}`, {
    method: "POST",
    headers: {
      apikey: info.PUBLISHABLE_KEY,
      "content-type": "application/json",
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(rows),
  });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : null };
}

/** Somebody who looks at the clicks on `docs`, as rows and as broadcasts. */
async function watch({ info }: TestStack) {
  const supabase = createClient(info.API_URL, info.PUBLISHABLE_KEY);
  const heard = { rows: 0, broadcasts: 0 };
  const changed = new EventTarget();
  const hear = (kind: keyof typeof heard) => () => {
    heard[kind]++;
    changed.dispatchEvent(new Event("change"));
  };
  const table = { event: "INSERT", schema: "public", table: "url_clicks" } as const;
  await new Promise<void>((ready, fail) =>
    supabase.channel("rows").on("postgres_changes", table, hear("rows"))
      .on("system", {}, ({ status }) => status === "ok" && ready())
      .subscribe((_, error) => error && fail(error))
  );
  await new Promise<void>((ready, fail) =>
    supabase.channel("clicks:docs", { config: { private: true } })
      .on("broadcast", { event: "click" }, hear("broadcasts"))
      .subscribe((status, error) => status === "SUBSCRIBED" ? ready() : error && fail(error))
  );
  return {
    heard,
    async until(test: () => boolean) {
      while (!test()) await new Promise((wake) => changed.addEventListener("change", wake));
    },
    async leave() {
      await supabase.removeAllChannels();
      await supabase.realtime.disconnect();
    },
  };
}

Deno.test("what a request may add to the stack", (test) =>
  withStack(async (stack) => {
    const { API_URL, DB_URL, PUBLISHABLE_KEY, USERS: [{ email, password, id: owner }] } =
      stack.info;
    const supabase = createClient(API_URL, PUBLISHABLE_KEY, { auth: { persistSession: false } });
    const { data } = await supabase.auth.signInWithPassword({ email, password });
    const token = data.session!.access_token;
    await supabase.auth.stopAutoRefresh();
    const sql = postgres(DB_URL, { max: 1 });

    await test.step("5,000 clicks are refused in words, and nobody hears of them", async () => {
      const viewer = await watch(stack);
      const clicks = (count: number) => Array(count).fill({ slug: "docs" });
      assert.deepEqual(await add(stack, "url_clicks", clicks(5000)), {
        status: 413,
        body: {
          code: "PT413",
          message: "A request adds at most 10 rows to url_clicks.",
          details: null,
          hint: "Send the rows in several requests, or from a server with the secret key.",
        },
      });
      assert.equal((await add(stack, "url_clicks", clicks(10))).status, 201);
      await viewer.until(() => viewer.heard.rows >= 10 && viewer.heard.broadcasts >= 10);
      assert.deepEqual(viewer.heard, { rows: 10, broadcasts: 10 });
      await viewer.leave();
    });

    await test.step("20,000 links are refused in words, and so is the 101st", async () => {
      const links = (count: number, name: string) =>
        Array.from({ length: count }, (_, n) => ({
          slug: `${name}-${n}`,
          target_url: "https://a.example",
        }));
      const refused = await add(stack, "short_links", links(20_000, "many"), token);
      assert.deepEqual([refused.status, refused.body.code], [413, "PT413"]);
      await sql`insert into public.short_links ${
        sql(links(98, "given").map((link) => ({ ...link, owner })))
      }`;
      assert.equal((await add(stack, "short_links", links(1, "last"), token)).status, 201);
      assert.deepEqual(await add(stack, "short_links", links(1, "more"), token), {
        status: 409,
        body: {
          code: "PT409",
          message: "A user has at most 100 links.",
          details: null,
          hint: "Delete links that are not needed, or add them from a server with the secret key.",
        },
      });
      await sql`delete from public.short_links where slug like 'given-%'`;
    });

    await test.step("a time that somebody sends is refused", async () => {
      const clicked_at = "2999-01-01";
      const link = { slug: "forged", target_url: "https://a.example", created_at: clicked_at };
      const answers = [
        await add(stack, "url_clicks", [{ slug: "docs", clicked_at }]),
        await add(stack, "short_links", [link], token),
      ];
      assert.deepEqual(answers.map(({ body }) => body.code), ["42501", "42501"]);
    });

    await test.step("it counts for nothing where column grants were undone", async () => {
      await sql`grant insert, update on public.url_clicks, public.short_links
        to anon, authenticated`;
      const clicked_at = "2999-01-01";
      assert.equal((await add(stack, "url_clicks", [{ slug: "docs", clicked_at }])).status, 201);
      const link = { slug: "forged", target_url: "https://a.example", created_at: clicked_at };
      assert.equal((await add(stack, "short_links", [link], token)).status, 201);
      const changed = await fetch(`${API_URL}/rest/v1/short_links?slug=eq.forged`, {
        method: "PATCH",
        headers: {
          apikey: PUBLISHABLE_KEY,
          authorization: `Bearer ${token}`,
          "content-type": "application/json",
        },
        body: JSON.stringify({ created_at: clicked_at }),
      });
      await changed.body?.cancel();
      assert.ok(changed.ok, `${changed.status}`);
      const [{ count }] = await sql`
        select (select count(*) from public.url_clicks where clicked_at > now())
          + (select count(*) from public.short_links where created_at > now()) as count`;
      assert.equal(Number(count), 0);
    });
    await sql.end();
  }));
