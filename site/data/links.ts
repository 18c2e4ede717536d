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
  /** The newest clicks that the database had counted, at most NEWEST_MAX of them. */
  counted: ReadonlySet<number>;
  /** When it was opened during the last minutes. */
  recent: number[];
}

export interface Click {
  id: number;
  slug: string;
  clickedAt: number;
}

/** What was read of the database. */
export interface Snapshot {
  links: Omit<Link, "recent">[];
  /** The clicks of the last minutes, the oldest first: for the sparklines, not for the counts. */
  clicks: Click[];
}

/** As in the view link_stats. */
export const NEWEST_MAX = 100;
/** A bound for a day on which somebody forgot the page in a busy tab. */
const KNOWN_MAX = 20_000;

/**
 * The links and their counts. A click counts once, however often it arrives and whether the
 * snapshot has it already: Realtime, the catch-up and the snapshot may all tell of the same one.
 */
export class Links {
  #links = new Map<string, Link>();
  /** The first snapshot, whose clicks are no news. */
  #first: Map<string, Link> | undefined;
  /** Ids of the clicks that arrived, the oldest first. */
  readonly #known = new Set<number>();
  /** What arrived while a snapshot is read. */
  #meanwhile: Click[] | undefined;

  get(slug: string): Link | undefined {
    return this.#links.get(slug);
  }

  /** In the snapshot's order. */
  get all(): Link[] {
    return [...this.#links.values()];
  }

  /** To be called before a snapshot is read. */
  expectSnapshot(): void {
    this.#meanwhile = [];
  }

  /** Takes a snapshot, and counts on top of it what arrived while it was read. */
  replace({ links, clicks }: Snapshot): void {
    this.#links = new Map(links.map((link) => [link.slug, { ...link, recent: [] }]));
    this.#first ??= this.#links;
    for (const { slug, clickedAt } of clicks) this.#links.get(slug)?.recent.push(clickedAt);
    const drawn = new Set(clicks.map(({ id }) => id));
    for (const click of this.#meanwhile ?? []) this.#count(click, !drawn.has(click.id));
    this.#meanwhile = undefined;
  }

  /**
   * Counts a click. Says whether it is `new` to who looks, `known` already, or of a link that is not
   * here. One that a later snapshot counted before it arrived is new as well.
   */
  add(click: Click): "new" | "known" | "elsewhere" {
    if (this.#known.has(click.id)) return "known";
    this.#remember(click.id);
    this.#meanwhile?.push(click);
    if (!this.#links.has(click.slug)) return "elsewhere";
    this.#count(click, true);
    const first = this.#first?.get(click.slug);
    return first && isCounted(first, click.id) ? "known" : "new";
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
    this.#first = undefined;
    this.#known.clear();
    this.#meanwhile = undefined;
  }

  #count({ id, slug, clickedAt }: Click, draw: boolean): void {
    const link = this.#links.get(slug);
    if (!link || isCounted(link, id)) return;
    link.clicks++;
    link.lastClickedAt = Math.max(link.lastClickedAt ?? 0, clickedAt);
    if (draw) link.recent.push(clickedAt);
    if (link.recent.length > KNOWN_MAX) link.recent.shift();
  }

  #remember(id: number): void {
    this.#known.add(id);
    if (this.#known.size <= KNOWN_MAX) return;
    const [oldest] = this.#known;
    this.#known.delete(oldest);
  }
}

/** Whether the database had counted this click when the link was read. */
function isCounted({ counted }: Link, id: number): boolean {
  return counted.has(id) || counted.size >= NEWEST_MAX && id < Math.min(...counted);
}
