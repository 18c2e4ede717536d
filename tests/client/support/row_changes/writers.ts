import postgres from "postgres";
import { randomFrom } from "../exactly_once/random.ts";
import type { Writing } from "../exactly_once/run.ts";
import { isLost, wait } from "../exactly_once/writers.ts";
import { ROOMS } from "./table.ts";

/** Rows that all writers share: few enough that they meet. */
const ROWS = 60;
const MAX_CHANGES = 4;
/** How long a transaction is open, in ms; one behind another, so that they overlap. */
const OPEN_MS = [0, 5, 20, 60, 150];
const CALM_MS = 250;
const RETRY_MS = 50;
/** Whoever waits longer for a row of another rolls back, and writes something else. */
const LOCK_MS = 300;
/** The error codes of lock_timeout, and of write_orders(). */
const ROLLED_BACK = ["55P03", "ROLLB"];

export interface OrderWriters {
  /** As superuser. */
  databaseUrl: string;
  seed: number;
  writers: number;
  /** Of one more writer's transactions, in ms. */
  longMs: number;
}

type Random = () => number;

/**
 * Inserts, updates and deletes rows at random, and moves them between rooms, in transactions that
 * overlap; a tenth of them is rolled back.
 */
export async function writeOrders(options: OrderWriters, writing: Writing): Promise<void> {
  const { databaseUrl, seed, writers, longMs } = options;
  let count = 0;
  const told = (changes: number, seq: number) => writing.onWrite(count += changes, seq);
  const write = async (own: number, openMs: number[]) => {
    const random = randomFrom(seed + own);
    const sql = postgres(databaseUrl, {
      ...{ max: 1, fetch_types: false, onnotice: () => {}, backoff: () => 0 },
      connection: { lock_timeout: LOCK_MS },
    });
    while (!writing.isOver()) {
      // postgres.js throws where nobody catches it if a connection closes before its next turn.
      while (writing.isDown()) await wait(RETRY_MS);
      await writeSome(sql, random, pick(openMs, random), told);
      if (writing.isCalm()) await wait(CALM_MS);
    }
    await sql.end();
  };
  const short = Array.from({ length: writers }, (_, own) => write(own, OPEN_MS));
  await Promise.all([...short, write(writers, [longMs])]);
}

/** One transaction, unless a lost connection or another's row prevents it. */
async function writeSome(
  sql: postgres.Sql,
  random: Random,
  openMs: number,
  told: (changes: number, seq: number) => void,
): Promise<void> {
  const length = 1 + Math.floor(random() * MAX_CHANGES);
  const changes = JSON.stringify(Array.from({ length }, () => changeOf(random)));
  const fails = random() < 0.1;
  try {
    const [{ changed, seq }] = await sql<{ changed: number; seq: number }[]>`
      select * from public.write_orders(${changes}::text::jsonb, ${openMs / 1_000}, ${fails})`;
    if (changed > 0) told(changed, seq);
  } catch (error) {
    if (ROLLED_BACK.includes((error as { code: string }).code)) return;
    if (!isLost(error)) throw error;
    await wait(RETRY_MS);
  }
}

/** A row to be deleted may not be there, and most stay in their room. */
function changeOf(random: Random) {
  const id = 1 + Math.floor(random() * ROWS);
  if (random() < 0.2) return { id };
  const room = random() < 0.2 ? pick(ROOMS, random) : ROOMS[id % ROOMS.length];
  return { id, room, state: random().toString(36).slice(2) };
}

const pick = <Item>(items: Item[], random: Random) => items[Math.floor(random() * items.length)];
