import type { SupabaseClient } from "@supabase/supabase-js";
import type { RelayStatus, RelayTransport } from "../client/mod.ts";
import type { Config } from "./config.ts";
import { Database } from "./database.ts";
import { Deeds } from "./deeds.ts";
import { type Click, Links } from "./links.ts";
import { Live } from "./live.ts";
import { Notices } from "./notices.ts";
import { databaseProblem } from "./problem.ts";
import { type Language, Text } from "./text.ts";
import { ConnectionView } from "./view/connection.ts";
import { find, translate } from "./view/dom.ts";
import { LinkList } from "./view/link_list.ts";
import { NewLinkView } from "./view/new_link.ts";
import { SignInView } from "./view/sign_in.ts";
import { Toasts } from "./view/toasts.ts";

/** Whoever looks at the page. */
export interface Person {
  id: string;
  email: string | undefined;
}

/** Links made elsewhere are looked for at most so often. */
const LOOK_MS = 2000;
/** Sparklines and "2 min. ago" go on so often; the connection light each second. */
const TICK_S = 5;

/** The page: what comes in, what is known, and what is shown of it. */
export class Page {
  readonly #links = new Links();
  readonly #database: Database;
  readonly #live: Live;
  readonly #toasts = new Toasts();
  readonly #notices = new Notices((notice, again) => {
    this.#toasts.opened(notice, again, this.#text);
  });
  readonly #list: LinkList;
  readonly #newLink: NewLinkView;
  readonly #signIn: SignInView;
  readonly #connection: ConnectionView;
  #person: Person | null | undefined;
  /** Why a channel gets nothing although the socket is fine. */
  #refusal: string | undefined;
  #text: Text;
  /** Whether the links of this person are known. */
  #loaded = false;
  #frame = 0;
  #reading: Promise<void> | undefined;
  #readAgain = false;
  /** Slugs whose clicks arrive and which the list has no room for. */
  readonly #unlisted = new Set<string>();

  constructor(
    readonly supabase: SupabaseClient,
    readonly config: Config,
    readonly transport: Pick<RelayTransport, "status" | "retry">,
    language: Language,
  ) {
    this.#text = new Text(language);
    this.#database = new Database(supabase, () => this.#person?.id ?? null);
    this.#live = new Live(supabase, config.mode, {
      clicked: (click) => this.#clicked(click),
      subscribed: () => this.#subscribed(),
      refused: (_topic, reason) => this.#showRefusal(reason),
    });
    const deeds = new Deeds(this.#database, this.#links, this.#toasts, {
      text: () => this.#text,
      address: (slug) => this.#address(slug),
      changed: () => {
        this.#live.follow(this.#links.all.map(({ slug }) => slug));
        this.#show();
      },
    });
    this.#list = new LinkList((slug) => this.#address(slug), deeds);
    this.#newLink = new NewLinkView(() => this.#text, {
      exists: (slug, signal) => this.#database.exists(slug, signal),
      add: async (link) => {
        await deeds.add(link);
        await this.#read();
      },
    });
    this.#signIn = new SignInView(() => this.#text, config.demo, {
      signIn: (email, password) => this.#enter(email, password),
      signOut: () => this.#leave(),
    });
    this.#connection = new ConnectionView(() => transport.retry());
    find("again").onclick = () => this.#open();
    this.#tick(0);
  }

  /** Shows everything in this language. */
  speak(language: Language): void {
    this.#text = new Text(language);
    document.documentElement.lang = language;
    document.title = this.#text.of("title");
    translate(document, this.#text);
    this.#show();
    this.#showStatus();
  }

  /** Starts for this person, and anew if it was another one before. */
  async meet(person: Person | null): Promise<void> {
    if (this.#person !== undefined && this.#person?.id === person?.id) return;
    const first = this.#person === undefined;
    this.#person = person;
    this.#loaded = false;
    this.#links.clear();
    this.#unlisted.clear();
    this.#refusal = undefined;
    this.#show();
    // A socket belongs to one person: the next one gets one of their own.
    if (!first) await this.#live.stop();
    if (this.#person === person) await this.#open();
  }

  /** Takes what the transport tells about the connection. */
  connection({ state, code, reason }: RelayStatus): void {
    if (state === "refused") console.warn(`[links] refused: ${code} ${reason}`);
    this.#showStatus();
  }

  /** The first paint; clicks come when they come. */
  async #open(): Promise<void> {
    const person = this.#person;
    this.#list.loading();
    this.#live.follow([]);
    try {
      const links = await this.#database.links();
      if (this.#person !== person) return;
      this.#links.replace({ links, clicks: [], clicksSince: Infinity });
      this.#loaded = true;
      this.#show();
      this.#live.follow(links.map(({ slug }) => slug));
    } catch (error) {
      if (this.#person === person) await this.#failed(error);
    }
  }

  async #failed(error: unknown): Promise<void> {
    const { key, values } = databaseProblem(error);
    this.#list.failed(this.#text.of("links.failed", { reason: this.#text.of(key, values) }));
    // A token that the project does not take is of no use to anybody.
    if (key === "error.session") await this.supabase.auth.signOut({ scope: "local" });
  }

  /** Reads links and counts as they are; once more if asked for while it reads. */
  #read(): Promise<void> {
    if (this.#reading) this.#readAgain = true;
    return this.#reading ??= this.#readOnce().finally(() => {
      this.#reading = undefined;
      if (this.#readAgain) this.#read();
      this.#readAgain = false;
    });
  }

  async #readOnce(): Promise<void> {
    const person = this.#person;
    try {
      const snapshot = await this.#database.snapshot();
      if (this.#person !== person) return;
      this.#links.replace(snapshot);
      this.#loaded = true;
      this.#show();
      this.#live.follow(snapshot.links.map(({ slug }) => slug));
    } catch {
      // What is shown stays; the next subscription reads again.
    }
  }

  #subscribed(): void {
    this.#refusal = undefined;
    this.#showStatus();
    // Now, and not before, nothing can slip between what is read and what comes.
    this.#read();
  }

  #clicked(click: Click): void {
    const outcome = this.#links.add(click);
    if (outcome === "new") {
      this.#notices.opened(click.slug);
      this.#show();
    } else if (outcome === "elsewhere" && !this.#unlisted.has(click.slug)) {
      this.#unlisted.add(click.slug);
      setTimeout(() => this.#read(), LOOK_MS);
    }
  }

  async #enter(email: string, password: string): Promise<void> {
    const { error } = await this.supabase.auth.signInWithPassword({ email, password });
    if (error) throw error;
  }

  async #leave(): Promise<void> {
    const { error } = await this.supabase.auth.signOut({ scope: "local" });
    if (error) this.#toasts.say(this.#text.of("error.network"));
  }

  #address(slug: string): string {
    return `${this.config.url}/functions/v1/redirect/${slug}`;
  }

  /** Shows everything with the next frame: many clicks at once are one change of the page. */
  #show(): void {
    if (this.#person === undefined || this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#signIn.show(this.#person?.email);
      this.#newLink.show(this.#person !== null);
      if (this.#loaded) {
        this.#list.show(this.#links, this.#text, Date.now(), this.#person !== null);
      }
    });
  }

  #showRefusal(reason: string): void {
    this.#refusal = reason;
    this.#showStatus();
  }

  #showStatus(): void {
    const { status } = this.transport;
    const shown = { ...status };
    if (status.state === "live" && this.#refusal !== undefined) {
      shown.state = "refused";
      shown.reason = this.#refusal;
    }
    // Closed is only what lies between two persons, and before the first.
    if (status.state === "closed") shown.state = "connecting";
    this.#connection.show(shown, this.#text, Date.now());
  }

  #tick(seconds: number): void {
    if (!document.hidden) {
      this.#showStatus();
      if (seconds % TICK_S === 0) this.#list.tick(this.#links, this.#text, Date.now());
    }
    setTimeout(() => this.#tick(seconds + 1), 1000);
  }
}
