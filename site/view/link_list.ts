import type { Link, Links } from "../data/links.ts";
import type { Text } from "../text.ts";
import { find, write } from "./dom.ts";
import { LinkRow, type RowActions } from "./link_row.ts";

/** One's own links and everybody's public ones, with what is shown in place of them. */
export class LinkList {
  readonly #lists = find("links");
  readonly #own = find("own");
  readonly #public = find("public");
  readonly #rows = new Map<string, LinkRow>();

  /**
   * @param addressOf the short link itself.
   * @param again asks for the links once more, after they could not be loaded.
   */
  constructor(
    readonly addressOf: (slug: string) => string,
    readonly actions: RowActions,
    again: () => void,
  ) {
    find("again").onclick = () => {
      this.loading();
      again();
    };
  }

  /** Shows all links, in their order. Rows of links that stay keep their place and their focus. */
  show(links: Links, text: Text, now: number, signedIn: boolean): void {
    for (const [slug, row] of this.#rows) {
      if (links.get(slug)) continue;
      row.element.remove();
      this.#rows.delete(slug);
    }
    const { own = [], others = [] } = Object.groupBy(
      links.all,
      ({ own }) => own ? "own" : "others",
    );
    this.#fill(this.#own, own, text, now);
    this.#fill(this.#public, others, text, now);
    this.#own.hidden = !signedIn;
    this.#public.hidden = signedIn && others.length === 0;
    this.#lists.ariaBusy = "false";
    find("loading").hidden = find("failed").hidden = true;
  }

  /** Lets times and sparklines go on. */
  tick(links: Links, text: Text, now: number): void {
    for (const link of links.all) this.#rows.get(link.slug)?.tick(link, text, now);
  }

  /** Says that there is nothing yet. */
  loading(): void {
    this.#lists.ariaBusy = "true";
    for (const row of this.#rows.values()) row.element.remove();
    this.#rows.clear();
    find("loading").hidden = false;
    find("failed").hidden = this.#own.hidden = this.#public.hidden = true;
  }

  /** Says why the links are not there. */
  failed(message: string): void {
    this.#lists.ariaBusy = "false";
    find("loading").hidden = true;
    find("failed").hidden = false;
    write(find("failed-text"), message);
  }

  #fill(section: HTMLElement, links: Link[], text: Text, now: number): void {
    const list = section.querySelector("ul")!;
    links.forEach((link, place) => {
      const row = this.#rowOf(link);
      const there = list.children[place];
      if (there !== row.element) list.insertBefore(row.element, there ?? null);
      row.show(link, text, now);
    });
    section.querySelector<HTMLElement>(".empty")!.hidden = links.length > 0;
    const sum = links.reduce((sum, { clicks }) => sum + clicks, 0);
    write(
      section.querySelector(".total")!,
      links.length > 0 ? text.count("links.total", sum) : "",
    );
  }

  #rowOf({ slug }: Link): LinkRow {
    let row = this.#rows.get(slug);
    if (!row) this.#rows.set(slug, row = new LinkRow(slug, this.addressOf(slug), this.actions));
    return row;
  }
}
