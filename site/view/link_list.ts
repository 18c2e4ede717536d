import type { Link, Links } from "../links.ts";
import type { Text } from "../text.ts";
import { find, write } from "./dom.ts";
import { LinkRow, type RowActions } from "./link_row.ts";

/** The list of links, with what is shown in place of one. */
export class LinkList {
  readonly #list = find("links");
  readonly #rows = new Map<string, LinkRow>();

  /** @param addressOf the short link itself. */
  constructor(readonly addressOf: (slug: string) => string, readonly actions: RowActions) {}

  /** Shows all links, in their order. Rows of links that stay keep their place and their focus. */
  show(links: Links, text: Text, now: number, signedIn: boolean): void {
    const all = links.all;
    for (const [slug, row] of this.#rows) {
      if (links.get(slug)) continue;
      row.element.remove();
      this.#rows.delete(slug);
    }
    all.forEach((link, place) => {
      const { element } = this.#rowOf(link);
      const there = this.#list.children[place];
      if (there !== element) this.#list.insertBefore(element, there ?? null);
      this.#rows.get(link.slug)!.show(link, text, now);
    });
    this.#list.ariaBusy = "false";
    find("loading").hidden = true;
    find("failed").hidden = true;
    find("empty").hidden = all.length > 0;
    write(find("empty-text"), text.of(signedIn ? "links.empty.owner" : "links.empty.visitor"));
    this.#showTotal(all, text);
  }

  /** Lets times and sparklines go on. */
  tick(links: Links, text: Text, now: number): void {
    for (const link of links.all) this.#rows.get(link.slug)?.tick(link, text, now);
  }

  /** Says that there is nothing yet. */
  loading(): void {
    this.#list.ariaBusy = "true";
    this.#list.replaceChildren();
    this.#rows.clear();
    find("loading").hidden = false;
    find("failed").hidden = find("empty").hidden = true;
    write(find("total"), "");
  }

  /** Says why the links are not there. What was shown before stays. */
  failed(message: string): void {
    this.#list.ariaBusy = "false";
    find("loading").hidden = true;
    find("failed").hidden = false;
    write(find("failed-text"), message);
  }

  #rowOf({ slug }: Link): LinkRow {
    let row = this.#rows.get(slug);
    if (!row) this.#rows.set(slug, row = new LinkRow(slug, this.addressOf(slug), this.actions));
    return row;
  }

  #showTotal(links: Link[], text: Text): void {
    const sum = links.reduce((sum, { clicks }) => sum + clicks, 0);
    write(find("total"), links.length > 0 ? text.count("links.total", sum) : "");
  }
}
