import { inTime } from "../in_time.ts";
import type { Vsn } from "../realtime_suite/suite.ts";
import { Diary, type Pages } from "./pages.ts";

const ROWS = { event: "*", schema: "public", table: "hub_rows" };

/** A table that everybody may read, in the publication. */
export async function prepare({ sql }: Pick<Pages, "sql">): Promise<void> {
  await sql.unsafe(`
    create table public.hub_rows (id int8 primary key, owner uuid, body text, big numeric);
    alter table public.hub_rows enable row level security;
    create policy public_or_own on public.hub_rows for select to anon, authenticated
      using (owner is null or owner = auth.uid());
    grant select on public.hub_rows to anon, authenticated;
    create table public.hub_others (id int8 primary key);
    grant select on public.hub_others to anon, authenticated;
    alter publication supabase_realtime add table public.hub_rows, public.hub_others;
    create policy hub_read on realtime.messages for select to anon
      using ((select realtime.topic()) = 'hub:open');
  `).simple();
}

/** Everything that a page of nobody can see and do, and what its application was told of it. */
export async function perform(pages: Pages, vsn: Vsn): Promise<Record<string, string[]>> {
  const { sql } = pages;
  const diaries: Record<string, Diary> = {};
  const listen = async (name: string, changes: Record<string, unknown>[], topic = "page") => {
    const client = pages.open(vsn);
    const channel = client.channel(topic, { config: { private: topic.startsWith("hub:") } });
    diaries[name] = Diary.of(channel, changes);
    await diaries[name].until(changes.length > 0 ? /^system/ : /^status/);
    return { client, channel };
  };
  const all = (pattern: RegExp, count: number, names = ["first", "late"]) =>
    Promise.all(names.map((name) => diaries[name].until(pattern, count)));

  await sql`truncate hub_rows`;
  const first = await listen("first", [ROWS, { ...ROWS, event: "INSERT", filter: "id=eq.2" }]);
  await sql`insert into hub_rows values (1, null, 'é "q" \\ 𝄞', 12345678901234567890.50)`;
  await diaries.first.until(/^change/, 1);
  const late = await listen("late", [ROWS, { ...ROWS, event: "INSERT", filter: "id=eq.2" }]);
  await sql`insert into hub_rows values (2, null, 'b', 9007199254740993)`;
  await sql`insert into hub_rows (id, owner) values (3, gen_random_uuid())`;
  await sql`update hub_rows set body = 'c' where id = 1`;
  await all(/UPDATE/, 1);
  await sql`delete from hub_rows where id = 2`;
  await all(/DELETE/, 1);
  await sql`insert into hub_rows (id) select * from generate_series(100, 299)`;
  await all(/"id":299/, 1);

  const sender = pages.open(vsn).channel("page");
  await sender.httpSend("one", { n: 1e21, nested: [{}] });
  await all(/"one"/, 1);
  if (vsn === "2.0.0") await sender.httpSend("bytes", new Uint8Array([0, 255, 1]));
  if (vsn === "2.0.0") await all(/"bytes"/, 1);
  await listen("private", [], "hub:open");
  await sql`select realtime.send('{"n": 1.50}', 'from the database', 'hub:open', true)`;
  await diaries.private.until(/^broadcast/);
  const refused = await listen("refused", [], "hub:closed");
  refused.channel.teardown(); // It would try again, as often as there is time.
  await listen("wrong", [{ ...ROWS, table: "no_such_table" }], "wrong");
  await listen("no rows of the topic", [], "page");

  await first.channel.send({ type: "broadcast", event: "by a viewer", payload: { of: "first" } });
  await diaries.late.until(/by a viewer/);
  await late.channel.send({ type: "broadcast", event: "by another", payload: {} });
  await diaries.first.until(/by another/);
  await sql`insert into hub_rows values (4, null, 'after')`;
  await all(/"after"/, 1);
  await inTime(late.client.removeChannel(late.channel), "the channel is removed");
  const again = late.client.channel("page");
  diaries.again = Diary.of(again, [ROWS]);
  await diaries.again.until(/^system/);
  await sql`update hub_rows set body = 'last' where id = 4`;
  await all(/"last"/, 1, ["first", "again"]);
  return Object.fromEntries(Object.entries(diaries).map(([name, { items }]) => [name, items]));
}
