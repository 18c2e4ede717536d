/** Clients, functions and migrations of different ages, on a whole project: nothing is lost by it. */
import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import postgres from "postgres";
import { relayTransport, tableCatchUp } from "../../../client/mod.ts";
import { signToken } from "../../../tools/stack/keys.ts";
import { inTime } from "../../support/in_time.ts";
import { LONG } from "../../support/long.ts";
import type { StartOptions } from "../../support/relay_host.ts";
import { type TestStack, withStack } from "../../support/stack.ts";
import { type Click, type Figures, sum } from "../support/exactly_once/feed.ts";
import { type Viewer, watch } from "../support/exactly_once/viewer.ts";
import { readClicks, writeClicks } from "../support/exactly_once/writers.ts";
import { clientAt, OLD } from "../support/world/client_at.ts";
import { startCutProxy } from "../support/exactly_once/cut_proxy.ts";
import { MIGRATIONS_OF_BEFORE as BEFORE, withOldRelay } from "./support/old_relay.ts";
import { type TwoRelays, withTwoRelays } from "./support/two_relays.ts";

const ROWS = 300;
const SLUGS = ["one", "two"];
const NOW: StartOptions = {};

const older = await clientAt(OLD) as { relayTransport: typeof relayTransport };

function viewer(name: string, create: typeof relayTransport, relay: string, stack: TestStack) {
  const { info: { API_URL, PUBLISHABLE_KEY, JWT_SECRET, USERS } } = stack;
  const session_id = crypto.randomUUID();
  const claims = { role: "authenticated", aud: "authenticated", sub: USERS[0].id, session_id };
  const token = signToken(JWT_SECRET, claims, 3600);
  const transport = create({ relay, token: () => token });
  const supabase = createClient(API_URL, PUBLISHABLE_KEY, {
    accessToken: () => token,
    realtime: { transport: transport as never },
  });
  transport.catchUp(tableCatchUp(supabase, "url_clicks", {
    ...{ key: "id", time: "clicked_at", overlapMs: 5_000 },
    ...{ topic: "clicks:{slug}", event: "click", payload: ["id", "slug", "clicked_at"] },
  }));
  return watch(name, supabase, SLUGS);
}

/** Writes rows while the connections are cut once and the first relay gives way to the second. */
async function write({ cut, handOver }: TwoRelays, viewers: Viewer[], url: string) {
  let isOver = false;
  let handedOver: Promise<void> | undefined;
  const all = Promise.withResolvers<number>();
  const written = writeClicks({ databaseUrl: url, slugs: SLUGS, seed: 1 }, {
    onWrite(count, id) {
      if (count === ROWS / 3) cut();
      if (count === 2 * ROWS / 3) handedOver = handOver();
      if (count === ROWS) all.resolve(id);
    },
    isCalm: () => false,
    isDown: () => false,
    isOver: () => isOver,
  });
  const last = await all.promise;
  const feeds = viewers.flatMap(({ rows, broadcasts }) => [rows, ...broadcasts]);
  await Promise.all(feeds.map((feed) => inTime(feed.beyond(last), "what was written", 120_000)))
    .finally(() => isOver = true);
  await Promise.all([written, handedOver]);
  return last;
}

const judge = ({ rows, broadcasts }: Viewer, table: Click[]): Figures[] => [
  rows.judge(table),
  sum(broadcasts.map((feed) => feed.judge(table))),
];

/** Both clients over one relay and then the other. */
async function play(relays: StartOptions[], before = ""): Promise<void> {
  await withStack(async (stack) => {
    const { info } = stack;
    await prepare(info.DB_URL, before);
    const environment = {
      SUPABASE_URL: info.API_URL,
      SUPABASE_PUBLISHABLE_KEY: info.PUBLISHABLE_KEY,
      RELAY_JWT_SECRET: info.JWT_SECRET,
    };
    await withTwoRelays(environment, async (two) => {
      const viewers = [
        viewer("the client of now", relayTransport, two.relay, stack),
        viewer("the client of before", older.relayTransport, two.relay, stack),
      ];
      const ask = before && relays[0] === NOW ? () => saysWhyItIsOff(two.relay) : undefined;
      await see(two, viewers, info.DB_URL, ask);
    }, relays);
  });
}

/** The client of now on Realtime itself, whose connections are cut twice. */
async function playDirect(): Promise<void> {
  await withStack(async (stack) => {
    const { info: { API_URL, DB_URL } } = stack;
    await prepare(DB_URL);
    const front = await startCutProxy(new URL(API_URL).host);
    try {
      const relay = `http://${front.address}/realtime/v1`;
      const cut = () => void front.cut("reset");
      const way = { relay, cut, handOver: () => Promise.resolve(cut()) };
      await see(way, [viewer("the client of now", relayTransport, relay, stack)], DB_URL);
    } finally {
      await front.stop();
    }
  });
}

async function prepare(url: string, before = ""): Promise<void> {
  await using sql = connect(url);
  const links = SLUGS.map((slug) => ({ slug, target_url: `https://example.com/${slug}` }));
  await sql`insert into public.short_links ${sql(links)}`;
  if (before) await sql.unsafe(before);
}

/** Rows are written; each of the viewers sees all of them, once and in order. */
async function see(
  way: TwoRelays,
  viewers: Viewer[],
  url: string,
  ask?: () => Promise<void>,
): Promise<void> {
  await using sql = connect(url);
  try {
    await Promise.all(viewers.map(({ ready, name }) => inTime(ready, name, 30_000)));
    await ask?.();
    const last = await write(way, viewers, url);
    const table = (await readClicks(sql)).filter(({ id }) => id <= last);
    for (const each of viewers) prove(each, table);
  } finally {
    viewers.forEach((each) => each.leave());
  }
}

const connect = (url: string) =>
  Object.assign(postgres(url, { max: 1, fetch_types: false, onnotice: () => {} }), {
    async [Symbol.asyncDispose](this: postgres.Sql) {
      await this.end();
    },
  });

/** What the migrations of now bring is missed aloud. */
async function saysWhyItIsOff(relay: string): Promise<void> {
  const { revocation } = await (await fetch(`${relay}/health`)).json();
  assert.match(revocation, /^off: ./);
}

function prove(viewer: Viewer, table: Click[]): void {
  for (const { arrived, expected, twice, late } of judge(viewer, table)) {
    assert.deepEqual(
      { who: viewer.name, arrived, twice, late },
      { who: viewer.name, arrived: expected, twice: 0, late: 0 },
    );
  }
}

const AGES: Record<string, (old: StartOptions) => Promise<void>> = {
  "a rolling restart from the relay of before to that of now": (old) => play([old, NOW]),
  "and back": (old) => play([NOW, old]),
  "the function of now on the migrations of before": () => play([NOW, NOW], BEFORE),
  "the function of before on the migrations of before": (old) => play([old, old], BEFORE),
  "the client of now on Realtime itself": playDirect,
};

for (const [what, run] of Object.entries(AGES)) {
  Deno.test({
    name: `${what} loses nothing` +
      (LONG ? "" : " (skipped: takes a minute, RELAY_TEST_LONG=1 runs it)"),
    ignore: !LONG,
    fn: () => withOldRelay(run),
  });
}
