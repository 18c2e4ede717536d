/** A short link as the page shows it. Times are milliseconds since the epoch. */
export interface Link {
  slug: string;
  title: string | null;
  target: string;
  isPublic: boolean;
  /** Whether the person who looks may change it. */
  own: boolean;
  clicks: number;
  lastClickedAt: number | null;
  /** When it was opened during the last minutes. */
  recent: number[];
}

export interface Click {
  id: number;
  slug: string;
  clickedAt: number;
}

/** What the database held at one moment. */
export interface Snapshot {
  links: Omit<Link, "recent">[];
  /** The newest clicks: all of them since `clicksSince`. */
  clicks: Click[];
  clicksSince: number;
}

/** A bound for a day on which somebody forgot the page in a busy tab. */
const KNOWN_MAX = 20_000;

/**
 * The links and their counts. A click counts once, however often it arrives and whether the
 * snapshot has it already: Realtime, the catch-up and the snapshot may all tell of the same one.
 */
export class Links {
  #links = new Map<string, Link>();
  /** By id, the oldest first. */
  readonly #known = new Map<number, Click>();

  get(slug: string): Link | undefined {
    return this.#links.get(slug);
  }

  /** In the snapshot's order. */
  get all(): Link[] {
    return [...this.#links.values()];
  }

  /** Takes a snapshot, and counts on top of it the clicks that arrived and are newer than it. */
  replace({ links, clicks, clicksSince }: Snapshot): void {
    const held = new Set(clicks.map(({ id }) => id));
    const newer = [...this.#known.values()].filter(({ id, clickedAt }) =>
      clickedAt >= clicksSince && !held.has(id)
    );
    this.#links = new Map(links.map((link) => [link.slug, { ...link, recent: [] }]));
    for (const click of clicks) this.#remember(click);
    for (const { slug, clickedAt } of clicks) this.#links.get(slug)?.recent.push(clickedAt);
    for (const click of newer) this.#count(click);
  }

  /** Counts a click. Says whether it was `new`, `known` already, or of a link that is not here. */
  add(click: Click): "new" | "known" | "elsewhere" {
    if (this.#known.has(click.id)) return "known";
    this.#remember(click);
    return this.#count(click) ? "new" : "elsewhere";
  }

  change(slug: string, changes: Partial<Link>): void {
    Object.assign(this.#links.get(slug) ?? {}, changes);
  }

  remove(slug: string): void {
    this.#links.delete(slug);
  }

  /** For another person: nothing of what was here before. */
  clear(): void {
    this.#links.clear();
    this.#known.clear();
  }

  #count({ slug, clickedAt }: Click): boolean {
    const link = this.#links.get(slug);
    if (!link) return false;
    link.clicks++;
    link.lastClickedAt = Math.max(link.lastClickedAt ?? 0, clickedAt);
    link.recent.push(clickedAt);
    if (link.recent.length > KNOWN_MAX) link.recent.shift();
    return true;
  }

  #remember(click: Click): void {
    this.#known.set(click.id, click);
    for (const id of this.#known.keys()) {
      if (this.#known.size <= KNOWN_MAX) break;
      this.#known.delete(id);
    }
  }
}
