import { bodyOf } from "./database.ts";
import type { World } from "../world.ts";

/** How many messages a page holds. */
const PAGE = 20;

/** What public.missed_messages() is asked for. */
interface Question {
  topic: string;
  after_id?: string;
  since?: string;
}

/** A message's id, as Realtime has it in its meta and PostgREST in its row. */
export const idOf = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;

/** The messages that a reader has missed, and the server's time behind them; nobody reads as nobody. */
export function missedMessages(world: World, reader: string | null, question: string): string[] {
  const { database, ledger, time } = world;
  const { topic, after_id, since }: Question = JSON.parse(question);
  const iso = (ms: number) => new Date(Math.floor(ms)).toISOString();
  const none = { event: null, payload: null, binary_payload: null };
  const all = reader === null ? [] : database.messages.filter((each) => each.topic === topic)
    .sort((a, b) => a.at - b.at || a.transaction - b.transaction || a.n - b.n);
  const place = all.findIndex(({ n }) => idOf(n) === after_id);
  const isTime = after_id === undefined && since === undefined;
  if (isTime) ledger.record(topic).timedAt.push(time.now);
  const found = isTime
    ? []
    : place >= 0
    ? all.slice(place + 1)
    : all.filter(({ at }) => Math.floor(at) >= Date.parse(since!));
  const rows = found.slice(0, PAGE).map((message) => ({
    ...{ id: idOf(message.n), event: "mail", payload: bodyOf(message, reader) },
    ...{ binary_payload: null, inserted_at: iso(message.at) },
  }));
  const last = { ...none, id: null, inserted_at: iso(database.now()) };
  return [...rows, last].map((row) => JSON.stringify(row));
}
