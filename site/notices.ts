/** What a notification says. */
export type Notice =
  | { kind: "one"; slug: string }
  | { kind: "link"; slug: string; count: number }
  | { kind: "many"; count: number };

/** Opens within this time of the first become one notification. */
const WINDOW_MS = 1000;

/**
 * Groups opens into notifications: the first is told at once, whatever follows within a second is
 * told together at the end of that second, and so on for as long as it goes on.
 */
export class Notices {
  #waiting: string[] | undefined;

  /**
   * @param tell is called with each notification; `again` says that it continues the one before.
   * @param later calls back after so many milliseconds.
   */
  constructor(
    readonly tell: (notice: Notice, again: boolean) => void,
    readonly later: (work: () => void, ms: number) => void = (work, ms) => setTimeout(work, ms),
  ) {}

  opened(slug: string): void {
    if (this.#waiting) return void this.#waiting.push(slug);
    this.tell({ kind: "one", slug }, false);
    this.#wait(false);
  }

  #wait(again: boolean): void {
    this.#waiting = [];
    this.later(() => {
      const slugs = this.#waiting!;
      this.#waiting = undefined;
      if (slugs.length === 0) return;
      this.tell(group(slugs), again);
      this.#wait(true);
    }, WINDOW_MS);
  }
}

function group(slugs: string[]): Notice {
  const [slug] = slugs;
  const count = slugs.length;
  if (count === 1) return { kind: "one", slug };
  return slugs.every((other) => other === slug)
    ? { kind: "link", slug, count }
    : { kind: "many", count };
}
