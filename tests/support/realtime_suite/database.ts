import assert from "node:assert/strict";
import { ALICE, Inbox, type Scenarios, subscribed } from "./suite.ts";

type Broadcast = {
  event: string;
  payload: Record<string, unknown>;
  meta?: { id: string; replayed?: boolean };
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export const databaseScenarios: Scenarios = {
  async "broadcast_changes in a trigger tells of insert, update and delete"({ sql, ...at }, vsn) {
    const topic = `suite:read-changes-${vsn}`;
    const table = `suite_trigger_${vsn[0]}`;
    await sql.unsafe(`
      create table public.${table} (id int primary key, body text);
      create function public.${table}_tell() returns trigger language plpgsql security definer as $$
      begin
        perform realtime.broadcast_changes('${topic}', TG_OP, TG_OP, TG_TABLE_NAME,
          TG_TABLE_SCHEMA, NEW, OLD);
        return null;
      end $$;
      create trigger tell after insert or update or delete on public.${table}
        for each row execute function public.${table}_tell();
    `).simple();
    const inbox = new Inbox<Broadcast>();
    const client = await at.client(ALICE, vsn);
    const channel = client.channel(topic, { config: { private: true } });
    await subscribed(channel.on("broadcast", { event: "*" }, inbox.put as never));
    await sql`insert into ${sql(table)} values (1, 'a')`;
    await sql`update ${sql(table)} set body = 'b'`;
    await sql`delete from ${sql(table)}`;
    const got = await inbox.take(3, "the three");
    assert.deepEqual(
      got.map(({ event, payload: { record, old_record } }) => [
        event,
        record,
        old_record,
      ]),
      [
        ["INSERT", { id: 1, body: "a" }, null],
        ["UPDATE", { id: 1, body: "b" }, { id: 1, body: "a" }],
        ["DELETE", null, { id: 1, body: "b" }],
      ],
    );
    for (const { meta, payload } of got) {
      assert.match(meta!.id, UUID);
      assert.equal(payload.id, meta!.id);
    }
  },

  async "bytes from the database arrive where the protocol has them"({ sql, ...at }, vsn) {
    if (vsn === "1.0.0") return;
    const topic = `suite:read-bytes-${vsn}`;
    const inbox = new Inbox<{ payload: ArrayBuffer }>();
    const channel = (await at.client(ALICE, vsn)).channel(topic, { config: { private: true } });
    await subscribed(channel.on("broadcast", { event: "b" }, inbox.put as never));
    await sql`select realtime.send_binary('\\x00ff10', 'b', ${topic}, true)`;
    const [{ payload }] = await inbox.take(1, "the bytes");
    assert.deepEqual(new Uint8Array(payload), new Uint8Array([0, 255, 16]));
  },

  async "a late comer has bytes replayed where the protocol has them"({ sql, ...at }, vsn) {
    const topic = `suite:read-replayed-bytes-${vsn}`;
    const [{ now }] = await sql`
      select floor(extract(epoch from clock_timestamp()) * 1000)::float8 as now
    `;
    await sql`select realtime.send('{"n":1}', 'e', ${topic}, true)`;
    await sql`select realtime.send_binary('\\x00ff10', 'e', ${topic}, true)`;
    await sql`select realtime.send('{"n":2}', 'e', ${topic}, true)`;
    const inbox = new Inbox<{ payload: ArrayBuffer | { n: number }; meta: object }>();
    const config = { private: true, broadcast: { replay: { since: now, limit: 25 } } };
    const channel = (await at.client(ALICE, vsn)).channel(topic, { config });
    await subscribed(channel.on("broadcast", { event: "e" }, inbox.put as never));
    const got = await inbox.take(vsn === "1.0.0" ? 2 : 3, "what was sent before");
    const shown = got.map(({ payload }) =>
      payload instanceof ArrayBuffer ? new Uint8Array(payload).toHex() : payload.n
    );
    assert.deepEqual(shown, vsn === "1.0.0" ? [1, 2] : [1, "00ff10", 2]);
    for (const { meta } of got) assert.deepEqual(Object.keys(meta), ["id", "replayed"]);
  },

  async "a late comer has the newest messages since a time replayed"({ sql, ...at }, vsn) {
    const topic = `suite:read-replay-${vsn}`;
    const join = async (broadcast: object) => {
      const inbox = new Inbox<Broadcast>();
      const config = { private: true, broadcast };
      const channel = (await at.client(ALICE, vsn)).channel(topic, { config });
      await subscribed(channel.on("broadcast", { event: "e" }, inbox.put as never));
      return inbox;
    };
    const early = await join({});
    await sql`select realtime.send('{"n":0}', 'e', ${topic}, true)`;
    const [{ now }] = await sql`
      select 1 + floor(extract(epoch from clock_timestamp()) * 1000)::float8 as now
    `;
    await sql`select pg_sleep(0.005)`;
    for (const n of [1, 2, 3]) {
      await sql`select realtime.send(${sql.json({ n })}, 'e', ${topic}, true)`;
    }
    // Whoever comes now gets none of them live.
    await early.take(4, "all of them");
    const inbox = await join({ replay: { since: now, limit: 2 } });
    await sql`select realtime.send('{"n":4}', 'e', ${topic}, true)`;
    const got = await inbox.take(3, "two replayed and a new one");
    assert.deepEqual(got.map(({ payload, meta }) => [payload.n, meta?.replayed]), [
      [2, true],
      [3, true],
      [4, undefined],
    ]);
  },

  async "messages of one transaction are replayed in reverse order"({ sql, ...at }, vsn) {
    const topic = `suite:read-reverse-${vsn}`;
    const [{ now }] = await sql`
      select floor(extract(epoch from clock_timestamp()) * 1000)::float8 as now
    `;
    const send = (first: number) =>
      sql`select realtime.send(jsonb_build_object('n', n), 'e', ${topic}, true)
        from generate_series(${first}::int, ${first}::int + 2) as n`;
    // As many others as a planner may want to sort, or to read by an index.
    await sql`select realtime.send('{}', 'e', ${`${topic}-other`}, true) from generate_series(1, 50)`;
    await send(1);
    await send(4);
    const inbox = new Inbox<Broadcast>();
    const config = { private: true, broadcast: { replay: { since: now } } };
    const channel = (await at.client(ALICE, vsn)).channel(topic, { config });
    await subscribed(channel.on("broadcast", { event: "e" }, inbox.put as never));
    const got = await inbox.take(6, "all six");
    assert.deepEqual(got.map(({ payload }) => payload.n), [3, 2, 1, 6, 5, 4]);
  },
};
