import postgres from "postgres";
import type { Click } from "./feed.ts";
import { randomFrom } from "./random.ts";
import type { Writing } from "./run.ts";

/** Between two inserts of one writer, in ms, while nothing is broken. */
const PAUSES = [0, 0, 20, 50, 80, 120, 200];
/** Enough rows for a feed to show that it flows again; few enough that many are left to break. */
const CALM_MS = 500;
/** A lost Postgres is back within about a second. */
const RETRY_MS = 50;

export interface WriterOptions {
  /** As superuser. */
  databaseUrl: string;
  /** There is one writer for each, so that the order of its ids is that of its commits. */
  slugs: string[];
  seed: number;
}

/** Inserts clicks at varying speed, each once, whatever happens to Postgres meanwhile. */
export async function writeClicks(
  { databaseUrl, slugs, seed }: WriterOptions,
  { onWrite, isCalm, isOver }: Writing,
): Promise<void> {
  let count = 0;
  await Promise.all(slugs.map(async (slug, index) => {
    const random = randomFrom(seed + index);
    const insert = openWriter(databaseUrl, slug);
    for (let own = 0; !isOver(); own++) {
      const id = await insert(own);
      onWrite(++count, id);
      const pause = PAUSES[Math.floor(random() * PAUSES.length)];
      await wait(isCalm() ? CALM_MS : pause);
    }
    await insert.end();
  }));
}

/**
 * Inserts the n-th click of a link, from 0. A lost connection does not tell whether it did: then its
 * id may be given as 0.
 */
function openWriter(databaseUrl: string, slug: string) {
  const sql = postgres(databaseUrl, {
    max: 1,
    fetch_types: false,
    onnotice: () => {},
    backoff: () => 0,
  });
  async function insert(own: number): Promise<number> {
    for (;;) {
      try {
        const [row] = await sql`
          insert into public.url_clicks (slug) select ${slug}
          where (select count(*) from public.url_clicks where slug = ${slug}) = ${own}
          returning id::int4
        `;
        return row?.id ?? 0;
      } catch (error) {
        if (!isLost(error)) throw error;
        await wait(RETRY_MS);
      }
    }
  }
  return Object.assign(insert, { end: () => sql.end() });
}

/** All clicks, in the order of their ids. */
export function readClicks(sql: postgres.Sql): Promise<Click[]> {
  return sql<Click[]>`
    select id::int4, slug, to_jsonb(clicked_at) #>> '{}' as clicked_at from public.url_clicks order by id
  `;
}

/** Whether the connection is gone, or the server is coming or going. */
export function isLost(error: unknown): boolean {
  const { name, code } = error as { name?: string; code?: string };
  return name !== "PostgresError" || /^(08|57P)/.test(code ?? "");
}

export const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
