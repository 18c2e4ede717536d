import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import postgres from "postgres";
import { signToken } from "../../../tools/stack/keys.ts";
import { relayTransport, tableCatchUp } from "../../../client/mod.ts";
import { openLink } from "../../support/open_link.ts";
import { inTime } from "../../support/in_time.ts";
import { type TestStack, withStack } from "../../support/stack.ts";
import { type Figures, sum } from "../support/exactly_once/feed.ts";
import { type Viewer, watch } from "../support/exactly_once/viewer.ts";
import { readClicks, writeClicks } from "../support/exactly_once/writers.ts";
import { withTwoRelays } from "./support/two_relays.ts";
import { onlyLong } from "../../support/long.ts";

const SLUGS = ["one", "two"];
/** Longer than the later third of the drain, in which the old sockets are closed. */
const AWAY_MS = 9_000;
const DRAIN_MS = "8000";

/** Who may receive the broadcasts of clicks, by name. */
const POLICY = "clicks of visible links can be received";

type Sql = postgres.Sql;

/** Rows are inserted all the time; resolves with those that each feed has had a later one of. */
async function writeDuring(
  { info }: TestStack,
  sql: Sql,
  viewers: Viewer[],
  work: () => Promise<unknown>,
) {
  let [isOver, newest, last] = [false, 0, 0];
  const written = writeClicks({ databaseUrl: info.DB_URL, slugs: SLUGS, seed: 1 }, {
    onWrite: (_count, id) => newest = Math.max(newest, id),
    isCalm: () => false,
    isDown: () => false,
    isOver: () => isOver,
  });
  try {
    await work();
    last = newest;
    const again = Promise.all(viewers.map((viewer) => viewer.beyond(last)));
    await inTime(again, "all see rows again", 90_000);
  } finally {
    isOver = true;
    await written;
  }
  const table = await readClicks(sql);
  return table.filter(({ id }) => id <= last);
}

/** Somebody signed in, behind the relays; with a catch-up or without. */
async function arrive({ info }: TestStack, relay: string, catchesUp: boolean): Promise<Viewer> {
  const claims = { role: "authenticated", aud: "authenticated", sub: info.USERS[0].id };
  const token = await signToken(info.JWT_SECRET, claims, 3600);
  const transport = relayTransport({ relay, token: () => token });
  const supabase = createClient(info.API_URL, info.PUBLISHABLE_KEY, {
    accessToken: () => Promise.resolve(token),
    realtime: { transport: transport as never },
  });
  if (catchesUp) {
    transport.catchUp(tableCatchUp(supabase, "url_clicks", {
      ...{ key: "id", time: "clicked_at", topic: "clicks:{slug}", event: "click" },
      payload: ["id", "slug", "clicked_at"],
    }));
  }
  return watch(catchesUp ? "catching up" : "alone", supabase, SLUGS);
}

/** In the order in which viewers are judged. */
const FEEDS = ["catching up", "alone"].flatMap((who) => [`${who}: rows`, `${who}: broadcasts`]);

/** What may have been missed between the answers to the joins and now is told by now. */
async function flows({ info }: TestStack, viewers: Viewer[]): Promise<void> {
  const feeds = viewers.flatMap(({ rows, broadcasts }) => [rows, ...broadcasts]);
  const flowing = Promise.all(feeds.map((feed) => feed.beyond(0)));
  for (const slug of SLUGS) await openLink(info, slug);
  await inTime(flowing, "events flow");
  for (const { gaps } of feeds) gaps.length = 0;
}

async function judged(
  stack: TestStack,
  during: (sql: Sql, handOver: () => Promise<void>) => Promise<unknown>,
): Promise<Figures[][]> {
  const { info } = stack;
  const sql = postgres(info.DB_URL, { max: 1, onnotice: () => {} });
  const env = {
    SUPABASE_URL: info.API_URL,
    SUPABASE_PUBLISHABLE_KEY: info.PUBLISHABLE_KEY,
    RELAY_JWT_SECRET: info.JWT_SECRET,
    RELAY_DRAIN_MS: DRAIN_MS,
  };
  const viewers: Viewer[] = [];
  try {
    const links = SLUGS.map((slug) => ({ slug, target_url: `https://example.com/${slug}` }));
    await sql`insert into public.short_links ${sql(links)} on conflict do nothing`;
    await sql`delete from public.url_clicks`;
    return await withTwoRelays(env, async ({ relay, handOver }) => {
      for (const catchesUp of [true, false]) viewers.push(await arrive(stack, relay, catchesUp));
      await inTime(Promise.all(viewers.map(({ ready }) => ready)), "all have joined");
      await flows(stack, viewers);
      const table = await writeDuring(stack, sql, viewers, () => during(sql, handOver));
      const figures = viewers.map(({ rows, broadcasts }) => [
        rows.judge(table),
        sum(broadcasts.map((feed) => feed.judge(table))),
      ]);
      viewers.forEach((viewer) => viewer.leave());
      return figures;
    });
  } finally {
    await sql.end();
  }
}

Deno.test("one relay takes over from another that is told to end", async (t) => {
  await withStack(async (stack) => {
    await t.step("all move: each event once and in order, and no gap", async () => {
      const all = (await judged(stack, (_sql, handOver) => handOver())).flat();
      for (const [n, figures] of all.entries()) {
        const { expected } = figures;
        const none = { twice: 0, late: 0, untoldLate: 0, gaps: 0, unreported: 0, troubles: 0 };
        assert.deepEqual({ feed: FEEDS[n], ...figures }, {
          ...{ feed: FEEDS[n], expected, arrived: expected },
          ...none,
        });
      }
    });

    await t.step({
      ...onlyLong("a policy that lets nobody in for longer than the old one lives"),
      fn: async () => {
        const figures = await judged(stack, async (sql, handOver) => {
          const [{ using }] = await sql`
          select qual as using from pg_policies where policyname = ${POLICY}`;
          await sql.unsafe(`drop policy "${POLICY}" on realtime.messages`);
          const ended = handOver();
          await new Promise((go) => setTimeout(go, AWAY_MS));
          await sql.unsafe(`create policy "${POLICY}" on realtime.messages for select
          to anon, authenticated using (${using})`);
          await ended;
        });
        const [caughtUp, alone] = figures;
        for (const { arrived, expected, twice, late } of caughtUp) {
          assert.deepEqual({ arrived, twice, late }, { arrived: expected, twice: 0, late: 0 });
        }
        for (const { unreported, twice, untoldLate } of alone) {
          const none = { unreported: 0, twice: 0, untoldLate: 0 };
          assert.deepEqual({ unreported, twice, untoldLate }, none);
        }
        assert.equal(alone[0].troubles, 0, "the table's channel has no policy of its own");
      },
    });
  });
});
