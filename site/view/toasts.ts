import type { Notice } from "../notices.ts";
import type { Text } from "../text.ts";
import { find, write } from "./dom.ts";

/** Long enough to be read twice. */
const SHOWN_MS = 5000;
/** More would hide the page on a phone. */
const TOASTS_MAX = 3;

/** Short messages at the page's edge, which screen readers hear when they have time for them. */
export class Toasts {
  readonly #region = find("toasts");
  #group: HTMLElement | undefined;
  readonly #timers = new WeakMap<Element, number>();

  /** Says something that the person did: copied, added, deleted. */
  say(message: string): void {
    this.#add(message, "said");
  }

  /** Says that links were opened; `again` continues the last such message in its place. */
  opened(notice: Notice, again: boolean, text: Text): void {
    const message = words(notice, text);
    if (again && this.#group?.isConnected) {
      write(this.#group, message);
      this.#expire(this.#group);
    } else {
      this.#group = this.#add(message, "opened");
    }
  }

  #add(message: string, kind: string): HTMLElement {
    const toast = document.createElement("p");
    toast.className = `toast ${kind}`;
    toast.textContent = message;
    this.#region.append(toast);
    while (this.#region.children.length > TOASTS_MAX) this.#region.firstElementChild!.remove();
    this.#expire(toast);
    return toast;
  }

  #expire(toast: HTMLElement): void {
    clearTimeout(this.#timers.get(toast));
    this.#timers.set(toast, setTimeout(() => toast.remove(), SHOWN_MS));
  }
}

function words(notice: Notice, text: Text): string {
  switch (notice.kind) {
    case "one":
      return text.of("toast.one", { link: `/${notice.slug}` });
    case "link":
      return text.of("toast.link", {
        link: `/${notice.slug}`,
        count: text.number(notice.count),
      });
    case "many":
      return text.of("toast.many", { count: text.number(notice.count) });
  }
}
