import assert from "node:assert/strict";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import postgres from "postgres";
import { relayTransport, tableCatchUp } from "../../client/mod.ts";
import { inTime } from "../support/in_time.ts";
import { changedRows } from "./support/changed_rows.ts";
import { openLink } from "../support/open_link.ts";
import { type TestStack, withStack } from "../support/stack.ts";

const options = { key: "id", time: "clicked_at" };
const { signal } = new AbortController();

/** supabase-js as anybody uses it, with the clicks that it has seen. */
class Viewer {
  readonly slugs: string[] = [];
  readonly told: string[] = [];
  readonly supabase: SupabaseClient;
  gaps = 0;
  readonly #waiting = new Set<() => void>();

  constructor({ info }: TestStack, relay: string) {
    const token = async () =>
      (await this.supabase.auth.getSession()).data.session?.access_token ?? null;
    const transport = relayTransport({ relay, token });
    this.supabase = createClient(info.API_URL, info.PUBLISHABLE_KEY, {
      realtime: { transport },
      auth: { persistSession: false, autoRefreshToken: false },
    });
  }

  subscribe(): Promise<void> {
    const ready = Promise.withResolvers<void>();
    const clicks = { event: "INSERT", schema: "public", table: "url_clicks" } as const;
    this.supabase.channel("clicks")
      .on("postgres_changes", clicks, (event) => {
        this.slugs.push(event.new.slug);
        this.#wake();
      })
      .on("system", {}, ({ extension, status }) => {
        if (extension === "postgres_changes") ready.resolve();
        if (status === "gap") this.gaps++;
        this.#wake();
      })
      .subscribe((state, error) => {
        this.told.push(state);
        if (error) ready.reject(error);
      });
    return inTime(ready.promise, "Postgres Changes flow");
  }

  async until(test: () => boolean, what: string): Promise<void> {
    while (!test()) {
      await inTime(new Promise<void>((wake) => this.#waiting.add(wake)), what);
    }
  }

  sees = (slug: string, times = 1) =>
    this.until(() => this.slugs.filter((seen) => seen === slug).length >= times, slug);

  async leave(): Promise<void> {
    await this.supabase.removeAllChannels();
    await this.supabase.realtime.disconnect();
  }

  #wake() {
    this.#waiting.forEach((wake) => wake());
    this.#waiting.clear();
  }
}

Deno.test("the transport on a whole stack", async (t) => {
  await withStack(async (stack) => {
    const [alice, bob] = stack.info.USERS;

    await t.step("against Realtime itself, without a relay", async () => {
      const viewer = new Viewer(stack, `${stack.info.API_URL}/realtime/v1`);
      const { error } = await viewer.supabase.auth.signInWithPassword(alice);
      assert.equal(error, null);
      await viewer.subscribe();
      await openLink(stack.info, "alice");
      await viewer.sees("alice");
      await viewer.leave();
    });

    await t.step("signed in as somebody else, then signed out: each sees its own", async () => {
      const viewer = new Viewer(stack, stack.info.RELAY_URL);
      // What came while the sockets changed may be missing: told when the next one is subscribed.
      const moved = async (sign: () => Promise<unknown>) => {
        const { gaps } = viewer;
        await sign();
        await viewer.until(() => viewer.gaps > gaps, "the next user is subscribed");
      };
      await viewer.supabase.auth.signInWithPassword(alice);
      await viewer.subscribe();
      await openLink(stack.info, "alice");
      await viewer.sees("alice");
      await moved(() => viewer.supabase.auth.signInWithPassword(bob));
      await openLink(stack.info, "alice");
      await openLink(stack.info, "docs");
      await viewer.sees("docs");
      await moved(() => viewer.supabase.auth.signOut());
      await openLink(stack.info, "alice");
      await openLink(stack.info, "docs");
      await viewer.sees("docs", 2);
      assert.deepEqual(viewer.slugs, ["alice", "docs", "docs"]);
      assert.deepEqual(viewer.told, ["SUBSCRIBED"], "the channel never noticed");
      await viewer.leave();
    });

    await t.step("a table is read page by page, though all its rows have one time", async () => {
      await readPages(stack);
    });

    await t.step(
      "rows that were changed while nobody was connected come as UPDATEs",
      () => changedRows(stack),
    );
  });
});

async function readPages({ info, postgres: server }: TestStack): Promise<void> {
  const sql = postgres(server.adminUrl, { max: 1 });
  const [{ now }] = await sql`select now()`;
  const rows = 230;
  await sql`insert into public.url_clicks (slug) select 'docs' from generate_series(1, ${rows})`;
  await sql.end();
  const supabase = createClient(info.API_URL, info.PUBLISHABLE_KEY);
  const read = async (since: Date, filter?: string) => {
    const pages: number[] = [];
    const ids: number[] = [];
    const { read } = tableCatchUp(supabase, "url_clicks", { ...options, pageSize: 100 });
    for await (const page of read({ since: since.toISOString(), filter, signal })) {
      pages.push(page.length);
      ids.push(...page.map(({ id }) => id as number));
    }
    return { pages, ids };
  };
  const { pages, ids } = await read(now);
  assert.deepEqual(pages, [100, 100, 30]);
  assert.equal(new Set(ids).size, rows);
  assert.deepEqual(ids, ids.toSorted((a, b) => a - b));
  assert.equal((await read(now, "slug=eq.docs")).ids.length, rows);
  assert.deepEqual((await read(now, "slug=eq.none")).ids, []);
  assert.deepEqual((await read(new Date(Date.now() + 60_000))).ids, []);
  const gone = tableCatchUp(supabase, "no_such_table", options);
  const reading = gone.read({ since: now.toISOString(), signal })[Symbol.asyncIterator]().next();
  await assert.rejects(reading, /Reading public\.no_such_table failed/);
}
