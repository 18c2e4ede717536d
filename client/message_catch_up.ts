import { type CatchUp, type CatchUpRequest, failure } from "./catch_up.ts";
import type { Json } from "./frame.ts";
import { inOrder, type Keys, type RowChange, rowChangeOf } from "./row_change.ts";

/** More than 20,000 messages are told as a gap: whoever waits for them had better read anew. */
const MAX_PAGES = 20;

/** A message has the time at which its transaction began: of one row, they may lie so far apart. */
const LATE_MS = 30_000;

/** What was in flight when a socket was lost, and transactions that were open then. */
const OVERLAP_MS = 10_000 + LATE_MS;

export interface MessageCatchUpOptions {
  /** Clients send no broadcasts on private channels: none of theirs is told as missing. */
  databaseOnly?: boolean;
  /** Of tables with a trigger relay.broadcast_row() whose primary key is not `id`: its columns. */
  keys?: Keys;
}

/** As much of supabase-js as reading messages takes. */
export interface MessageReader {
  // deno-lint-ignore no-explicit-any
  rpc(name: any, args: any): any;
}

/**
 * Brings back what the database sent on private topics, as far as the policies show it to whoever is
 * signed in, for 72 hours: by the function public.missed_messages(). Where that is not there,
 * Realtime's replay stands in. Changes of a row come by their `seq`.
 */
export function messageCatchUp(
  supabase: MessageReader,
  { databaseOnly = false, keys }: MessageCatchUpOptions = {},
): CatchUp {
  return {
    ...{ schema: "realtime", table: "messages", key: "id", time: "inserted_at" },
    overlapMs: OVERLAP_MS,
    history: { databaseOnly, keys },
    async *read(request: CatchUpRequest) {
      const changeOf = (row: Json) => rowChangeOf(row.payload, keys);
      let held: Json[] = [];
      let after = request.afterId;
      /** Transactions that began behind this may have been open when the first page was read. */
      const closed = { id: after, time: 0 };
      for (let page = 0; page < MAX_PAGES; page++) {
        const rows = await ask(supabase, request, after);
        // The last row has no id: it is the server's time. Where PostgREST cuts an answer at 1,000 rows
        // it is a message, which the next page brings.
        const time = rows.splice(-1);
        const last = rows.at(-1);
        if (!last) {
          // One page is what was there at one moment. Of the next a change may have come without the
          // one before it, whose place is in a page that was read already.
          if (page > 1 && held.some(changeOf)) {
            const again = await readAll(supabase, request, closed.id);
            held = inOrder([...olderThan(held, again, changeOf), ...held], changeOf);
          }
          return yield [...held, ...time];
        }
        after = last.id as string;
        if (page === 0) closed.time = timeOf(time[0]) - LATE_MS;
        for (const row of rows) if (timeOf(row) < closed.time) closed.id = row.id as string;
        held = inOrder([...held, ...rows], changeOf);
        const ripe = Math.min(closed.time, timeOf(last) - LATE_MS);
        yield held.splice(0, held.findIndex((row) => timeOf(row) >= ripe));
      }
      yield held;
      throw failed({ message: "There are too many." }, 400);
    },
  };
}

/** One page. */
async function ask(
  supabase: MessageReader,
  request: CatchUpRequest,
  after_id?: string,
): Promise<Json[]> {
  const { topic, since, signal } = request;
  const args = { topic, since: since || undefined, after_id };
  const { data, error, status } = await supabase.rpc("missed_messages", args).abortSignal(signal);
  // A peer may have written the id: it is no uuid.
  if (after_id && error?.code === "22P02") return ask(supabase, request);
  if (error) throw failed(error, status);
  return data;
}

async function readAll(supabase: MessageReader, request: CatchUpRequest, after?: string) {
  const all: Json[] = [];
  for (let page = 0; page < MAX_PAGES; page++) {
    const rows = await ask(supabase, request, after);
    all.push(...rows);
    after = rows.at(-2)?.id as string;
    if (!after) break;
  }
  return all;
}

/** The changes of a row that is held in a newer state. All others that are not held come live. */
function olderThan(held: Json[], rows: Json[], changeOf: (row: Json) => RowChange | undefined) {
  // Of each row the last one is the newest.
  const newest = new Map(held.map((row) => [changeOf(row)?.row, changeOf(row)?.seq]));
  return rows.filter((row) => changeOf(row)?.seq! < newest.get(changeOf(row)?.row)!);
}

const timeOf = (row: Json) => Date.parse(row.inserted_at as string);

/** A statement that took too long is not asked again: it costs the database as much again. */
const failed = (error: Record<string, string>, status: number) =>
  failure("messages", error, error.code === "57014" ? 400 : status);
