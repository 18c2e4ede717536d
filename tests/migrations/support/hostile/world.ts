import assert from "node:assert/strict";
import { ALICE, BOB, type Database } from "../../../support/database.ts";
import type { Request } from "./requests.ts";

interface Link {
  mark: number;
  slug: string;
  owner: string | null;
  created_at: string;
  row: string;
}

interface Click {
  id: string;
  slug: string;
  clicked_at: string;
  row: string;
}

/** What the database holds. Times are its own words, which compare as texts: all are UTC. */
export interface World {
  now: string;
  links: Link[];
  clicks: Click[];
  messages: number;
  /** The sequence of the clicks' ids. */
  newestId: bigint;
}

/** A number for each link by which it is known though its slug may change. */
export async function markLinks({ sql }: Database): Promise<void> {
  await sql`alter table short_links add mark int generated always as identity`;
}

export async function look({ admin }: Database): Promise<World> {
  const [world] = await admin`
    select to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US') as now,
      coalesce((select jsonb_agg(to_jsonb(link) || jsonb_build_object(
        'row', link::text, 'created_at',
        to_char(created_at at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US')
      )) from public.short_links as link), '[]') as links,
      coalesce((select jsonb_agg(jsonb_build_object(
        'id', id::text, 'slug', slug, 'row', click::text, 'clicked_at',
        to_char(clicked_at at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US')
      )) from public.url_clicks as click), '[]') as clicks,
      (select count(*)::int from realtime.messages) as messages,
      coalesce(pg_sequence_last_value('public.url_clicks_id_seq'), 0)::text as newest_id`;
  return { ...world, newestId: BigInt(world.newest_id) } as unknown as World;
}

/** What no request may do to the world, whatever it holds. */
export function judge(request: Request, before: World, after: World): void {
  judgeClicks(before, after);
  judgeLinks(request.claims.sub ?? null, before, after);
}

function judgeClicks(before: World, after: World): void {
  const known = new Map(before.clicks.map((click) => [click.id, click]));
  const slugs = new Set(after.links.map(({ slug }) => slug));
  const added = after.clicks.filter(({ id }) => !known.has(id));
  assert.ok(added.length <= 10, `${added.length} clicks of one request`);
  assert.ok(after.messages - before.messages <= 10, "messages of one request");
  for (const { id, clicked_at } of added) {
    assert.ok(BigInt(id) > before.newestId && BigInt(id) <= after.newestId, `forged id ${id}`);
    assert.ok(clicked_at >= before.now && clicked_at <= after.now, `forged time ${clicked_at}`);
  }
  const kept = new Set(after.clicks.map(({ row }) => row));
  for (const { row, slug } of before.clicks) {
    // A click goes with its link, and not otherwise; the link's slug may be another's since.
    const mayGo = !slugs.has(slug) ||
      !before.links.some((link) =>
        link.slug === slug && after.links.some(({ mark }) => mark === link.mark)
      );
    assert.ok(kept.has(row) || mayGo, `a click was changed or deleted: ${row}`);
  }
}

function judgeLinks(sub: string | null, before: World, after: World): void {
  const known = new Map(before.links.map((link) => [link.mark, link]));
  const added = after.links.filter(({ mark }) => !known.has(mark));
  assert.ok(added.length <= 10, `${added.length} links of one request`);
  for (const { owner, created_at } of added) {
    assert.ok(owner !== null && owner === sub, `a link in the name of ${owner}`);
    assert.ok(created_at >= before.now && created_at <= after.now, `forged time ${created_at}`);
  }
  const there = new Map(after.links.map((link) => [link.mark, link]));
  for (const old of before.links) {
    const link = there.get(old.mark);
    if (old.owner === null || old.owner !== sub) assert.equal(link?.row, old.row, "not their own");
    if (!link) continue;
    assert.deepEqual([link.owner, link.created_at], [old.owner, old.created_at]);
  }
  for (const { id } of [ALICE, BOB]) {
    const count = after.links.filter(({ owner }) => owner === id).length;
    assert.ok(count <= 100, `${count} links of one user`);
  }
}
