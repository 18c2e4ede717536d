import type { Config } from "../config/config.ts";
import { ask } from "../door/verify/ask.ts";
import { hashesOf, TOPIC, Unable } from "./message.ts";

/** Of 500 hashes each: a page is below 4 MB. */
const PAGE = 100;
const MAX_PAGE_BYTES = 5_000_000;

/** An API may cut a page to a few rows. Who ends more sessions in a token's life has other troubles. */
const MAX_PAGES = 1_000;

/** What a page said of sessions, and the time up to which that is all. */
export interface ReadBack {
  hashes: string[];
  /** In ms since the epoch, by the database's clock. */
  at: number;
}

/**
 * Reads what was said on relay:sessions since a time, by the public key, page by page until one is
 * empty: the row behind a page's messages, the server's time, is not there where the API cuts it. Throws
 * an error whose message is in words; Unable where the project has no such function.
 */
export async function* readBack(
  since: number,
  config: Config,
  fetch: typeof globalThis.fetch,
): AsyncGenerator<ReadBack> {
  let after: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const rows = await readPage(since, after, config, fetch);
    after = rows.findLast(({ id }) => id !== null)?.id ?? undefined;
    // Behind a message there may be others of its time, or of one before it that commits late.
    const last = rows.findLast(({ id }) => after === undefined || id !== null);
    const at = Math.max(since, Date.parse(last?.inserted_at ?? "") || 0);
    yield { hashes: rows.flatMap(({ payload }) => hashesOf(payload)), at };
    if (after === undefined) return;
  }
}

interface Row {
  id: string | null;
  payload: unknown;
  inserted_at: string;
}

async function readPage(
  since: number,
  after: string | undefined,
  { supabaseUrl, upstreamKey }: Config,
  fetch: typeof globalThis.fetch,
): Promise<Row[]> {
  const url = new URL("rest/v1/rpc/missed_messages", supabaseUrl);
  const headers = new Headers({ apikey: upstreamKey, "content-type": "application/json" });
  // A key of the new kind is no token, and a gateway makes one of it.
  if (!upstreamKey.startsWith("sb_")) headers.set("authorization", `Bearer ${upstreamKey}`);
  const body = JSON.stringify({
    topic: TOPIC,
    since: new Date(since).toISOString(),
    max_rows: PAGE,
    ...(after && { after_id: after }),
  });
  const question = { url, headers, body, whom: "The project's REST", maxBytes: MAX_PAGE_BYTES };
  const { status, body: rows } = await ask(question, fetch);
  if (status === 200 && Array.isArray(rows)) return rows;
  if (status === 404) {
    throw new Unable("the project has no function missed_messages: push the migrations");
  }
  throw new Error(`the project's REST answers ${status}`);
}
