import type { Link } from "../data/links.ts";
import { barPath, buckets, MINUTES } from "../data/sparkline.ts";
import type { Text } from "../text.ts";
import { find, translate, write } from "./dom.ts";

/** What a row can be asked for. */
export interface RowActions {
  copy(slug: string): void;
  setPublic(slug: string, isPublic: boolean): void;
  remove(slug: string): void;
}

/** As long as the animation in style.css. */
const PULSE_MS = 1200;
const [WIDTH, HEIGHT] = [120, 28];

/** Marks by which a stranger's title turns around what stands behind it. */
const TURNS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
/** Hebrew does the same to digits without any. */
const LEFT_TO_RIGHT = "\u200e";

/** One link in the list. */
export class LinkRow {
  readonly element: HTMLElement;
  #clicks: number | undefined;
  #timer: number | undefined;

  constructor(readonly slug: string, address: string, actions: RowActions) {
    const template = find<HTMLTemplateElement>("link").content.cloneNode(true) as DocumentFragment;
    this.element = template.querySelector<HTMLElement>("li")!;
    this.element.dataset.slug = slug;
    const anchor = this.#part<HTMLAnchorElement>("slug");
    anchor.textContent = `/${slug}`;
    anchor.href = address;
    this.#part("copy").onclick = () => actions.copy(slug);
    this.#part("delete").onclick = () => actions.remove(slug);
    const visibility = this.#part("visibility");
    visibility.onclick = () => actions.setPublic(slug, visibility.dataset.public !== "true");
  }

  /** Shows the link, and pulses where its count went up since the last time. */
  show(link: Link, text: Text, now: number): void {
    translate(this.element, text);
    const host = hostOf(link.target);
    const title = link.title?.replace(TURNS, "");
    write(this.#part("about"), title ? `${title}${LEFT_TO_RIGHT} · ${host}` : host);
    this.#part("about").title = link.target;
    this.#part("badge").hidden = link.isPublic;
    write(this.#part("count"), text.number(link.clicks));
    write(this.#part("unit"), text.count("link.opens", link.clicks));
    this.tick(link, text, now);
    this.#showActions(link, text);
    if (this.#clicks !== undefined && link.clicks > this.#clicks) this.#pulse();
    this.#clicks = link.clicks;
  }

  /** What changes with time alone. */
  tick({ recent, lastClickedAt }: Link, text: Text, now: number): void {
    const last = lastClickedAt === null
      ? text.of("link.never")
      : text.of("link.last", { when: text.ago(lastClickedAt, now) });
    write(this.#part("last"), last);
    const counts = buckets(recent, now);
    const spark = this.element.querySelector("svg")!;
    const sum = counts.reduce((sum, count) => sum + count, 0);
    spark.ariaLabel = text.count("link.recent", sum, { minutes: MINUTES });
    spark.querySelector(".bars")!.setAttribute("d", barPath(counts, WIDTH, HEIGHT));
  }

  #showActions({ own, isPublic }: Link, text: Text): void {
    const link = `/${this.slug}`;
    label(this.#part("copy"), text.of("link.copy", { link }));
    label(this.#part("delete"), text.of("link.delete", { link }));
    const visibility = this.#part("visibility");
    label(visibility, text.of(isPublic ? "link.hide" : "link.show", { link }));
    visibility.dataset.public = String(isPublic);
    visibility.hidden = this.#part("delete").hidden = !own;
  }

  #pulse(): void {
    const clicks = this.#part("clicks");
    clicks.classList.remove("pulse");
    // Read, so that the animation begins anew.
    void clicks.offsetWidth;
    clicks.classList.add("pulse");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => clicks.classList.remove("pulse"), PULSE_MS);
  }

  #part<E extends HTMLElement = HTMLElement>(name: string): E {
    return this.element.querySelector<E>(`.${name}`)!;
  }
}

function label(button: HTMLElement, words: string): void {
  button.ariaLabel = button.title = words;
}

function hostOf(target: string): string {
  if (!URL.canParse(target)) return target;
  const { host, pathname } = new URL(target);
  return host.replace(/^www\./, "") + (pathname === "/" ? "" : pathname);
}
