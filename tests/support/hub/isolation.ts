import assert from "node:assert/strict";
import { signToken } from "../../../tools/stack/keys.ts";
import { connect } from "../client.ts";
import { inTime } from "../in_time.ts";
import { ALICE, BOB } from "../realtime_suite/suite.ts";
import { Diary, type Pages } from "./pages.ts";

const ROWS = { event: "*", schema: "public", table: "hub_rows" };
const ONE_HOUR = 3600;

const tokenOf = ({ info }: Pages, sub: string) =>
  signToken(info.JWT_SECRET, { role: "authenticated", aud: "authenticated", sub }, ONE_HOUR);

/** Listens on one topic, for all pages the same. */
async function listen(pages: Pages, token?: string, binding: Record<string, unknown> = ROWS) {
  const client = pages.open("2.0.0", token);
  const diary = Diary.of(client.channel("isolated"), [binding]);
  await diary.until(/^system/);
  return { client, diary };
}

/** The bodies of the rows that came, in their order. */
const bodies = ({ items }: Diary) => items.flatMap((it) => /"body":"(\w+)"/.exec(it)?.[1] ?? []);

/** A row that all may read, and the wait for it: what was sent before it has come. */
async function fence({ sql }: Pages, ...diaries: Diary[]): Promise<void> {
  const [{ id }] = await sql`
    insert into hub_rows select coalesce(max(id), 0) + 1, null, 'fence' from hub_rows returning id
  `;
  await Promise.all(diaries.map((diary) => diary.until(new RegExp(`"id":${id}\\b`))));
}

/** Inserts rows that Alice alone may read until one has come, each behind one for everybody. */
async function signedIn({ sql }: Pages, diary: Diary): Promise<void> {
  while (!bodies(diary).includes("alices")) {
    await sql`insert into hub_rows select coalesce(max(id), 0) + 1 from hub_rows`;
    await sql`insert into hub_rows select max(id) + 1, ${ALICE}, 'alices' from hub_rows`;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export const isolation: Record<string, (pages: Pages) => Promise<void>> = {
  async "two users and nobody get the rows that are theirs, on one topic with one config"(pages) {
    const [alice, bob] = await Promise.all([ALICE, BOB].map((sub) => tokenOf(pages, sub)));
    const all = await Promise.all(
      [alice, bob, undefined, undefined].map((token) => listen(pages, token)),
    );
    const { sql } = pages;
    await sql`insert into hub_rows values (1001, ${ALICE}, 'alices'), (1002, ${BOB}, 'bobs')`;
    const diaries = all.map(({ diary }) => diary);
    await fence(pages, ...diaries);
    assert.deepEqual(diaries.map(bodies), [
      ["alices", "fence"],
      ["bobs", "fence"],
      ["fence"],
      ["fence"],
    ]);
  },

  async "a viewer that signs in gets its rows, and those with whom it was get none"(pages) {
    const [viewer, other] = [await listen(pages), await listen(pages)];
    const { sql } = pages;
    const writing = (async () => {
      for (let n = 1; n <= 60; n++) {
        await sql`insert into hub_rows values (${2000 + n}, null, ${`n${n}`})`;
      }
    })();
    await viewer.client.realtime.setAuth(await tokenOf(pages, ALICE));
    await writing;
    await signedIn(pages, viewer.diary);
    await fence(pages, viewer.diary, other.diary);
    const numbers = Array.from({ length: 60 }, (_, n) => `n${n + 1}`);
    assert.deepEqual(bodies(viewer.diary).filter((it) => it !== "alices"), [...numbers, "fence"]);
    assert.deepEqual(bodies(other.diary), [...numbers, "fence"]);
  },

  async "a viewer that signs out gets its rows no more"(pages) {
    const viewer = await listen(pages);
    const { sql } = pages;
    await viewer.client.realtime.setAuth(await tokenOf(pages, ALICE));
    await signedIn(pages, viewer.diary);
    await viewer.client.realtime.setAuth(null);
    await viewer.diary.until(/^system/, 2);
    await sql`insert into hub_rows values (3001, ${ALICE}, 'secret')`;
    await fence(pages, viewer.diary);
    assert.deepEqual(bodies(viewer.diary).filter((it) => it !== "alices"), ["fence"]);
  },

  async "filters, tables and columns of one topic do not mix"(pages) {
    const bindings = [
      { ...ROWS, filter: "id=eq.9001" },
      { ...ROWS, filter: "id=eq.9002" },
      { ...ROWS, select: ["id"] },
      { ...ROWS, table: "hub_others" },
      { ...ROWS, event: "DELETE" },
    ];
    const all = await Promise.all(bindings.map((binding) => listen(pages, undefined, binding)));
    const { sql } = pages;
    await sql`insert into hub_rows values (9001, null, 'one'), (9002, null, 'two')`;
    await sql`insert into hub_others values (1)`;
    const [one, two, ids, others, deleted] = all.map(({ diary }) => diary);
    // Realtime looks at a row when it sends it: one that is gone by then is not sent.
    await Promise.all([one, two, ids, others].map((diary) => diary.until(/INSERT/)));
    await sql`delete from hub_rows where id = 9001`;
    await sql`delete from hub_others`;
    await Promise.all(
      [one, two, ids, others, deleted].map((diary) =>
        diary.until(diary === two ? /"two"/ : /DELETE/)
      ),
    );
    const changes = (diary: Diary) =>
      diary.items.flatMap((it) => {
        const [, event] = /"eventType":"(\w+)"/.exec(it) ?? [];
        return event ? [`${event} ${/"(?:new|old)":(\{"[^}]*\})/.exec(it)?.[1]}`] : [];
      });
    assert.deepEqual(bodies(one), ["one"]);
    assert.deepEqual(bodies(two), ["two"]);
    assert.deepEqual(changes(ids).slice(0, 2), ['INSERT {"id":9001}', 'INSERT {"id":9002}']);
    assert.deepEqual(changes(others), ['INSERT {"id":1}', 'DELETE {"id":1}']);
    assert.deepEqual(changes(deleted), ['DELETE {"id":9001}']);
  },

  async "what is private does not reach the public channel of its name"(pages) {
    const [inside, outside] = [true, false].map((isPrivate) =>
      Diary.of(pages.open().channel("hub:open", { config: { private: isPrivate } }))
    );
    await Promise.all([inside, outside].map((diary) => diary.until(/SUBSCRIBED/)));
    const { sql } = pages;
    await sql`select realtime.send('{}', 'secret', 'hub:open', true)`;
    await inside.until(/"secret"/);
    await sql`select realtime.send('{}', 'open', 'hub:open', false)`;
    await outside.until(/"open"/);
    assert.doesNotMatch(outside.items.join(), /secret/);
    assert.doesNotMatch(inside.items.join(), /"open"/);
  },

  async "a config that is made to look like another's gets what it asked for itself"(pages) {
    const victim = await listen(pages, undefined, { ...ROWS, filter: "id=eq.8001" });
    const url = `${pages.relay.replace("http", "ws")}/websocket?vsn=2.0.0` +
      `&apikey=${pages.info.PUBLISHABLE_KEY}`;
    const binding = '"event":"*","schema":"public","table":"hub_rows"';
    const forged = [
      `${binding},"filter":"id=eq.8001","filter":"id=eq.8002"`,
      `${binding},"f\\u0069lter":"id=eq.8002"`,
      `"filter":"id=eq.8002",${binding},"__proto__":{"filter":"id=eq.8001"}`,
      `${binding},"filter":"id=eq.8002","select":["n"],"select":["id"]`,
    ];
    const { sql } = pages;
    let id = 8000;
    for (const text of forged) {
      const attacker = connect(url);
      await attacker.opened;
      attacker.send(
        `["1","1","realtime:isolated","phx_join",{"config":{"postgres_changes":[{${text}}],` +
          `"presence":{"key":"","enabled":false},"private":false,` +
          `"broadcast":{"self":false,"ack":false}}}]`,
      );
      while (!String(await inTime(attacker.next(), "it is subscribed")).includes("system"));
      if (id++ === 8000) {
        await sql`insert into hub_rows values (8001, null, 'x'), (8002, null, 'x')`;
      }
      await sql`update hub_rows set body = 'one' where id = 8001`;
      await sql`update hub_rows set body = 'two' where id = 8002`;
      const got = String(await inTime(attacker.next(), "what it asked for"));
      assert.match(got, /"id": 8002\b/);
      assert.doesNotMatch(got, /"id": 8001\b/);
      attacker.socket.close();
      await attacker.closed;
    }
    assert.deepEqual(bodies(victim.diary).filter((body) => body === "two"), []);
  },
};
