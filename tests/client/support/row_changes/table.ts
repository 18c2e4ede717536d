import type postgres from "postgres";

/** A row of public.orders, which is told on the channel of its room. */
export interface Order {
  id: number;
  room: string;
  state: string;
}

/** A message of relay.broadcast_row(). */
export interface Change {
  operation: string;
  record: Order | null;
  old_record: Order | null;
  seq: number;
}

export const ROOMS = ["1", "2", "3"];

export const topicOf = (room: string): string => `orders:${room}`;

/** A table as docs/MISSED.md has it. */
export const TABLE = `
  create table public.orders (id bigint primary key, room text not null, state text not null);
  create trigger tell_orders after insert or update or delete on public.orders
    for each row execute function relay.broadcast_row('orders:{room}', 'room', 'state');
  create policy "anybody receives orders" on realtime.messages for select to anon, authenticated
    using (extension = 'broadcast' and (select realtime.topic()) like 'orders:%');`;

/**
 * A transaction of several changes, to a room or, without one, by a DELETE. By one statement: what is
 * lost with a connection is either all there or not at all.
 */
export const WRITE = `
  create function public.write_orders(changes jsonb, open_s float8, fails boolean)
  returns table (changed int, seq int) language plpgsql as $$
  declare
    change record;
    touched int;
  begin
    changed := 0;
    for change in select * from jsonb_to_recordset(changes) as (id bigint, room text, state text) loop
      if change.room is null then
        delete from public.orders as o where o.id = change.id;
      else
        insert into public.orders values (change.id, change.room, change.state)
        on conflict (id) do update set room = excluded.room, state = excluded.state;
      end if;
      get diagnostics touched = row_count;
      changed := changed + touched;
    end loop;
    perform pg_sleep(open_s);
    if fails then
      raise exception 'rolled back' using errcode = 'ROLLB';
    end if;
    seq := (select last_value from relay.changes);
    return next;
  end
  $$;`;

/** A change that was sent, and when its transaction began, in ms since the epoch. */
export interface Sent {
  seq: number;
  at: number;
}

/** All changes that the database sent to a room. */
export function sentTo(sql: postgres.Sql, room: string): Promise<Sent[]> {
  return sql<Sent[]>`
    select (payload ->> 'seq')::int as seq,
      (extract(epoch from inserted_at at time zone 'UTC') * 1000)::float8 as at
    from realtime.messages where topic = ${topicOf(room)} and payload is not null`;
}

/** The rows of a room, by id. */
export async function rowsIn(sql: postgres.Sql, room: string): Promise<Order[]> {
  return [
    ...await sql<Order[]>`
      select id::int, room, state from public.orders where room = ${room} order by id`,
  ];
}
