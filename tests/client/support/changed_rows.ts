import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import postgres from "postgres";
import { relayTransport, tableCatchUp } from "../../../client/mod.ts";
import { inTime } from "../../support/in_time.ts";
import type { TestStack } from "../../support/stack.ts";
import { startCutProxy } from "./exactly_once/cut_proxy.ts";

/** Whose rows say when they were changed last. */
const TABLE = `
  create table public.tasks (
    id bigint primary key, state text not null,
    created_at timestamptz not null default now(), updated_at timestamptz not null default now()
  );
  alter table public.tasks enable row level security;
  create policy "anybody reads tasks" on public.tasks for select to anon using (true);
  grant select on public.tasks to anon;
  alter publication supabase_realtime add table public.tasks;
  create function public.touch() returns trigger language plpgsql as $$
    begin new.updated_at := clock_timestamp(); return new; end $$;
  create trigger touch before update on public.tasks for each row execute function public.touch();
  insert into public.tasks (id, state, created_at, updated_at)
    select n, 'old', now() - interval '1 hour', now() - interval '1 hour' from generate_series(1, 3) as n;`;

/** A table is written while nobody is connected: what comes afterwards, by supabase-js. */
export async function changedRows({ info, postgres: server }: TestStack): Promise<void> {
  const sql = postgres(server.adminUrl, { max: 1, onnotice: () => {} });
  await sql.unsafe(TABLE);
  const url = new URL(info.RELAY_URL);
  const proxy = await startCutProxy(url.host);
  const transport = relayTransport({ relay: `http://${proxy.address}${url.pathname}` });
  const supabase = createClient(info.API_URL, info.PUBLISHABLE_KEY, {
    auth: { persistSession: false },
    realtime: { transport },
  });
  transport.catchUp(tableCatchUp(supabase, "tasks", {
    ...{ key: "id", time: "created_at", updated: "updated_at" },
  }));
  const events: string[] = [];
  const gaps: unknown[] = [];
  let wake = () => {};
  const until = async (last: string) => {
    while (!events.includes(last)) await inTime(new Promise<void>((go) => wake = go), last);
  };
  const flowing = Promise.withResolvers<void>();
  supabase.channel("tasks")
    .on("postgres_changes", { event: "*", schema: "public", table: "tasks" }, (event) => {
      const { id, state } = event.new as { id: number; state: string };
      // The last of them may be told by Realtime itself, which polls the log.
      if (event.eventType !== "DELETE") events.push(`${event.eventType} ${id} ${state}`);
      wake();
    })
    .on("system", {}, ({ extension, status, missing, kinds }) => {
      if (extension === "postgres_changes") flowing.resolve();
      if (status === "gap") gaps.push([missing, kinds]);
    })
    .subscribe();
  try {
    await inTime(flowing.promise, "changes flow");
    await sql`insert into public.tasks values (10, 'live')`;
    await sql`update public.tasks set state = 'live' where id = 1`;
    await until("UPDATE 1 live");
    proxy.lead("127.0.0.1:1");
    assert.ok(proxy.cut("reset") > 0);
    await sql`delete from public.tasks where id = 3`;
    await sql`update public.tasks set state = 'once' where id = 2`;
    await sql`update public.tasks set state = 'twice' where id = 2`;
    await sql`insert into public.tasks values (11, 'new')`;
    await sql`update public.tasks set state = 'newer' where id = 11`;
    await sql`insert into public.tasks values (12, 'new')`;
    proxy.lead(url.host);
    transport.retry();
    await until("UPDATE 2 twice");
    await sql`update public.tasks set state = 'end' where id = 12`;
    await until("UPDATE 12 end");
    assert.deepEqual(events, [
      ...["INSERT 10 live", "UPDATE 1 live"],
      ...["INSERT 11 newer", "INSERT 12 new", "UPDATE 2 twice", "UPDATE 12 end"],
    ]);
    // Nobody knows whether a channel with tables listens to broadcasts too.
    assert.deepEqual(gaps.toSorted(), [["unstored", ["clients"]], ["updates", ["DELETE"]]]);
  } finally {
    await supabase.removeAllChannels();
    await supabase.realtime.disconnect();
    await proxy.stop();
    await sql.end();
  }
}
