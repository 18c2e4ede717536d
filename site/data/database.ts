import type { SupabaseClient } from "@supabase/supabase-js";
import type { Click, Snapshot } from "./links.ts";
import { MINUTES } from "./sparkline.ts";

/** The page shows so many links: one's own before others, the newest first. */
const LINKS_MAX = 200;
/** PostgREST's own default bound for one answer. */
const CLICKS_MAX = 1000;

type Row = {
  slug: string;
  title: string | null;
  target_url: string;
  is_public: boolean;
  own: boolean;
  clicks: number;
  last_clicked_at: string | null;
  newest_ids: number[];
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
  constructor(readonly supabase: SupabaseClient) {}

  /** The links with their counts, and the clicks of the last minutes. */
  async snapshot(): Promise<Snapshot> {
    const [links, clicks] = await Promise.all([this.#links(), this.#clicks()]);
    return { links, clicks };
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

  async #links(): Promise<Snapshot["links"]> {
    const { data } = await this.supabase.from("link_stats").select()
      .order("own", { ascending: false }).order("created_at", { ascending: false }).order("slug")
      .limit(LINKS_MAX).throwOnError();
    return (data as Row[]).map(toLink);
  }

  async #clicks(): Promise<Click[]> {
    const since = new Date(Date.now() - MINUTES * 60_000).toISOString();
    const { data } = await this.supabase.from("url_clicks").select("id, slug, clicked_at")
      .gte("clicked_at", since).order("id", { ascending: false }).limit(CLICKS_MAX).throwOnError();
    return data.map(toClick).reverse();
  }
}

/** A row of url_clicks, or the payload of its broadcast. */
export function toClick(row: { id: number; slug: string; clicked_at: string }): Click {
  return { id: row.id, slug: row.slug, clickedAt: Date.parse(row.clicked_at) };
}

function toLink(row: Row): Snapshot["links"][number] {
  return {
    slug: row.slug,
    title: row.title,
    target: row.target_url,
    isPublic: row.is_public,
    own: row.own,
    clicks: row.clicks,
    lastClickedAt: row.last_clicked_at ? Date.parse(row.last_clicked_at) : null,
    counted: new Set(row.newest_ids),
  };
}
