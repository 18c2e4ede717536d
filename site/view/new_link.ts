import type { NewLink } from "../data/database.ts";
import { databaseProblem } from "../problem.ts";
import { slugProblem, suggestSlug, targetProblem } from "../data/slug.ts";
import type { Text } from "../text.ts";
import { fieldsOf, find, showError, write } from "./dom.ts";

/** A pause in typing that is worth a question to the server. */
const PAUSE_MS = 300;

/** The form for a new link. */
export class NewLinkView {
  readonly #form = find<HTMLFormElement>("new");
  readonly #target = find<HTMLInputElement>("new-target");
  readonly #slug = find<HTMLInputElement>("new-slug");
  /** What was suggested last: a slug that a person typed is left alone. */
  #suggested = "";
  #asked = new AbortController();

  constructor(
    readonly text: () => Text,
    readonly database: {
      exists(slug: string, signal: AbortSignal): Promise<boolean>;
      /** Rejects with PostgREST's error. */
      add(link: NewLink): Promise<void>;
    },
  ) {
    this.#target.oninput = () => this.#suggest();
    this.#target.onchange = () => this.#checkTarget();
    this.#slug.oninput = () => this.#checkSlug();
    this.#form.onsubmit = (event) => {
      event.preventDefault();
      this.#submit();
    };
  }

  show(signedIn: boolean): void {
    this.#form.hidden = !signedIn;
  }

  #suggest(): void {
    if (this.#target.ariaInvalid) this.#checkTarget();
    if (this.#slug.value !== this.#suggested) return;
    const valid = !targetProblem(this.#target.value.trim());
    this.#suggested = valid ? suggestSlug(this.#target.value.trim()) : "";
    this.#slug.value = this.#suggested;
    if (valid) this.#checkSlug();
    else this.#showSlug("", "");
  }

  #checkTarget(): boolean {
    const problem = targetProblem(this.#target.value.trim());
    showError("new-target", problem ? this.text().of(problem) : "");
    return !problem;
  }

  /** Says what is wrong with the slug, or asks the server, once typing pauses, if it is taken. */
  #checkSlug(): boolean {
    const slug = this.#slug.value.trim();
    const problem = slugProblem(slug);
    this.#asked.abort();
    this.#showSlug(problem ? this.text().of(problem) : "", "");
    if (problem) return false;
    const asked = this.#asked = new AbortController();
    setTimeout(() => asked.signal.aborted || this.#ask(slug, asked.signal), PAUSE_MS);
    return true;
  }

  async #ask(slug: string, signal: AbortSignal): Promise<void> {
    try {
      const taken = await this.database.exists(slug, signal);
      if (signal.aborted) return;
      const words = this.text().of(taken ? "new.taken" : "new.free", { link: `/${slug}` });
      this.#showSlug(taken ? words : "", taken ? "" : words);
    } catch {
      // It is checked again when the link is added, and what is wrong is said then.
    }
  }

  async #submit(): Promise<void> {
    const [targetIsFine, slugIsFine] = [this.#checkTarget(), this.#checkSlug()];
    this.#asked.abort();
    showError("new", "");
    showError("new-title", "");
    if (!targetIsFine) return this.#target.focus();
    if (!slugIsFine) return this.#slug.focus();
    const { target, slug, title, public: isPublic } = fieldsOf(this.#form);
    const button = this.#form.querySelector<HTMLButtonElement>("[type=submit]")!;
    button.disabled = true;
    try {
      await this.database.add({ target, slug, title, isPublic: Boolean(isPublic) });
      this.#form.reset();
      this.#suggested = "";
      this.#showSlug("", "");
      this.#target.focus();
    } catch (error) {
      this.#showFailure(error, slug);
    } finally {
      button.disabled = false;
    }
  }

  #showFailure(error: unknown, slug: string): void {
    const { key, values, field } = databaseProblem(error, slug);
    const id = field ? `new-${field}` : "new";
    if (field === "slug") this.#showSlug("", "");
    showError(id, this.text().of(key, values));
    if (field) find(id).focus();
  }

  #showSlug(error: string, good: string): void {
    showError("new-slug", error);
    write(find("new-slug-free"), good);
  }
}
