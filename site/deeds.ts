import type { Database, NewLink } from "./data/database.ts";
import type { Links } from "./data/links.ts";
import { databaseProblem } from "./problem.ts";
import type { Key, Text } from "./text.ts";
import { mayDelete } from "./view/delete_link.ts";
import { find } from "./view/dom.ts";
import type { RowActions } from "./view/link_row.ts";
import type { Toasts } from "./view/toasts.ts";

/** What the deeds take of the page around them. */
export interface Surroundings {
  text(): Text;
  /** The short link itself. */
  address(slug: string): string;
  /** Told when the links are others than before. */
  changed(): void;
}

/** What a person does with a link; each says in a toast how it went. */
export class Deeds implements RowActions {
  constructor(
    readonly database: Database,
    readonly links: Links,
    readonly toasts: Toasts,
    readonly page: Surroundings,
  ) {}

  /** Rejects with PostgREST's error: the form shows it next to its field. */
  async add(link: NewLink): Promise<void> {
    await this.database.add(link);
    this.#say("new.added", `/${link.slug}`);
  }

  async copy(slug: string): Promise<void> {
    const link = this.page.address(slug);
    const copied = await navigator.clipboard.writeText(link).then(() => true, () => false);
    this.#say(copied ? "link.copied" : "link.copy.failed", link);
  }

  async setPublic(slug: string, isPublic: boolean): Promise<void> {
    await this.#change(slug, isPublic ? "link.shown" : "link.hidden", async () => {
      await this.database.setPublic(slug, isPublic);
      this.links.change(slug, { isPublic });
    });
  }

  async remove(slug: string): Promise<void> {
    const link = this.links.get(slug);
    if (!link || !await mayDelete(link, this.page.text())) return;
    await this.#change(slug, "link.deleted", async () => {
      await this.database.remove(slug);
      this.links.remove(slug);
      // The button that had the focus is gone with its row.
      find("links").focus();
    });
  }

  async #change(slug: string, done: Key, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#say(done, `/${slug}`);
    } catch (error) {
      const { key, values } = databaseProblem(error, slug);
      this.toasts.say(this.page.text().of(key, values));
    }
    this.page.changed();
  }

  #say(key: Key, link: string): void {
    this.toasts.say(this.page.text().of(key, { link }));
  }
}
