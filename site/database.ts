import type { SupabaseClient } from "@supabase/supabase-js";
import type { Click, Link, Snapshot } from "./links.ts";
import { MINUTES } from "./sparkline.ts";

/** The page shows so many of the newest links. */
const LINKS_MAX = 200;
/** PostgREST's own default bound for one answer. */
const CLICKS_MAX = 1000;
/** While clicks keep coming no two reads agree: then the last one has to do. */
const READS_MAX = 5;

type Row = {
  slug: string;
  title: string | null;
  target_url: string;
  is_public: boolean;
  clicks: number;
  last_clicked_at: string | null;
};

/** What a new link is made of. */
export interface NewLink {
  slug: string;
  target: string;
  title: string;
  isPublic: boolean;
}

/** The REST side of the page. Each call rejects with PostgREST's error, or the browser's. */
export class Database {
  constructor(readonly supabase: SupabaseClient, readonly userId: () => string | null) {}

  /** The links with their counts, for the first paint. */
  async links(): Promise<Snapshot["links"]> {
    const [rows, own] = await Promise.all([
      this.supabase.from("link_stats").select().order("created_at", { ascending: false })
        .order("slug").limit(LINKS_MAX).throwOnError(),
      this.#ownSlugs(),
    ]);
    return (rows.data as Row[]).map((row) => toLink(row, own.has(row.slug)));
  }

  /**
   * Links and the clicks of the last minutes as they were at one moment: the counts are read before
   * and after the clicks, until both agree.
   */
  async snapshot(): Promise<Snapshot> {
    let before = await this.links();
    for (let reads = 1;; reads++) {
      const clicks = await this.#clicks();
      const after = await this.links();
      if (reads === READS_MAX || total(before) === total(after)) return { links: after, ...clicks };
      before = after;
    }
  }

  /** Whether the slug is taken, also by a private link of somebody else. */
  async exists(slug: string, signal: AbortSignal): Promise<boolean> {
    const { data } = await this.supabase.rpc("short_link_exists", { slug }).abortSignal(signal)
      .throwOnError();
    return data === true;
  }

  async add({ slug, target, title, isPublic }: NewLink): Promise<void> {
    const row = { slug, target_url: target, title: title || null, is_public: isPublic };
    await this.supabase.from("short_links").insert(row).throwOnError();
  }

  async setPublic(slug: string, isPublic: boolean): Promise<void> {
    await this.supabase.from("short_links").update({ is_public: isPublic }).eq("slug", slug)
      .throwOnError();
  }

  async remove(slug: string): Promise<void> {
    await this.supabase.from("short_links").delete().eq("slug", slug).throwOnError();
  }

  async #clicks(): Promise<Pick<Snapshot, "clicks" | "clicksSince">> {
    const since = Date.now() - MINUTES * 60_000;
    const { data } = await this.supabase.from("url_clicks").select("id, slug, clicked_at")
      .gte("clicked_at", new Date(since).toISOString())
      .order("id", { ascending: false }).limit(CLICKS_MAX).throwOnError();
    const clicks = data.map(toClick).reverse();
    return { clicks, clicksSince: clicks.length < CLICKS_MAX ? since : clicks[0].clickedAt };
  }

  async #ownSlugs(): Promise<Set<string>> {
    const owner = this.userId();
    if (!owner) return new Set();
    const { data } = await this.supabase.from("short_links").select("slug").eq("owner", owner)
      .limit(CLICKS_MAX).throwOnError();
    return new Set(data.map(({ slug }) => slug));
  }
}

/** A row of url_clicks, or the payload of its broadcast. */
export function toClick(row: { id: number; slug: string; clicked_at: string }): Click {
  return { id: row.id, slug: row.slug, clickedAt: Date.parse(row.clicked_at) };
}

function toLink(row: Row, own: boolean): Omit<Link, "recent"> {
  return {
    slug: row.slug,
    title: row.title,
    target: row.target_url,
    isPublic: row.is_public,
    own,
    clicks: row.clicks,
    lastClickedAt: row.last_clicked_at ? Date.parse(row.last_clicked_at) : null,
  };
}

const total = (links: Snapshot["links"]) => links.reduce((sum, { clicks }) => sum + clicks, 0);
