import type { SupabaseClient } from "@supabase/supabase-js";
import type { RelayStatus, RelayTransport } from "../client/mod.ts";
import { Away } from "./away.ts";
import { type Account, accountOf } from "./data/account.ts";
import type { Config } from "./config.ts";
import { Database } from "./data/database.ts";
import { Deeds } from "./deeds.ts";
import { shown } from "./light.ts";
import { type Click, Links, type Snapshot } from "./data/links.ts";
import { Live } from "./data/live.ts";
import { Notices } from "./notices.ts";
import { databaseProblem } from "./problem.ts";
import { Reading } from "./data/reading.ts";
import { type Language, Text } from "./text.ts";
import { ConnectionView } from "./view/connection.ts";
import { find, translate } from "./view/dom.ts";
import { LinkList } from "./view/link_list.ts";
import { NewLinkView } from "./view/new_link.ts";
import { SignInView } from "./view/sign_in.ts";
import { Toasts } from "./view/toasts.ts";

/** Whoever looks at the page. */
interface Person {
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
  readonly #reading: Reading<Snapshot | undefined>;
  readonly #toasts = new Toasts();
  readonly #notices = new Notices((notice, again) => {
    this.#toasts.opened(notice, again, this.#text);
  });
  readonly #list: LinkList;
  readonly #newLink: NewLinkView;
  readonly #account: Account;
  readonly #signIn: SignInView;
  readonly #connection: ConnectionView;
  readonly #away = new Away(() => this.#reading.start());
  #person: Person | null | undefined;
  #text: Text;
  /** Whether the links of this person are known. */
  #loaded = false;
  #frame = 0;
  /** Slugs whose clicks arrive and which the list has no room for. */
  readonly #unlisted = new Set<string>();
  #looking: number | undefined;

  constructor(
    supabase: SupabaseClient,
    config: Config,
    readonly transport: Pick<RelayTransport, "status" | "retry">,
    language: Language,
  ) {
    this.#text = new Text(language);
    this.#database = new Database(supabase);
    this.#reading = new Reading({
      read: () => this.#read(),
      done: (snapshot) => this.#take(snapshot),
      failed: (error) => this.#failed(error),
    });
    this.#live = new Live(supabase, config.mode, {
      clicked: (click) => this.#clicked(click),
      reread: () => this.#reading.start(),
      changed: () => this.#showStatus(),
    });
    const text = () => this.#text;
    const address = (slug: string) => `${config.url}/functions/v1/redirect/${slug}`;
    const deeds = new Deeds(this.#database, this.#links, this.#toasts, {
      ...{ text, address },
      changed: () => {
        this.#follow();
        this.#show();
        // One that is under way may have begun before the deed, and would undo it here.
        this.#reading.start();
      },
    });
    this.#list = new LinkList(address, deeds, () => this.#reading.start());
    this.#newLink = new NewLinkView(text, {
      exists: (slug, signal) => this.#database.exists(slug, signal),
      add: async (link) => {
        await deeds.add(link);
        await this.#reading.start();
      },
    });
    this.#account = accountOf(supabase);
    this.#signIn = new SignInView(text, config.demo, {
      ...this.#account,
      signOut: () =>
        this.#account.signOut().catch(() => this.#toasts.say(this.#text.of("error.network"))),
    });
    this.#connection = new ConnectionView(() => transport.retry());
    document.addEventListener("visibilitychange", () => this.#look());
    this.#tick(0);
  }

  /** Shows everything in this language. */
  speak(language: Language): void {
    this.#text = new Text(language);
    document.documentElement.lang = language;
    document.title = this.#text.of("title");
    translate(document, this.#text);
    find("language").lang = language === "en" ? "zh-Hant" : "en";
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
    this.#list.loading();
    this.#show();
    // A socket belongs to one person: the next one gets one of their own.
    if (!first) await this.#live.stop();
    if (this.#person !== person) return;
    this.#follow();
    this.#reading.start();
  }

  /** Takes what the transport tells about the connection. */
  connection({ state, code, reason }: RelayStatus): void {
    if (state === "refused") console.warn(`[links] refused: ${code} ${reason}`);
    this.#showStatus();
    this.#look();
  }

  /** What this person sees; nothing if it is another one by now. */
  async #read(): Promise<Snapshot | undefined> {
    const person = this.#person;
    this.#links.expectSnapshot();
    try {
      const snapshot = await this.#database.snapshot();
      if (this.#person === person) return snapshot;
    } catch (error) {
      if (this.#person === person) throw error;
    }
  }

  #take(snapshot: Snapshot | undefined): void {
    if (!snapshot) return;
    this.#links.replace(snapshot);
    this.#loaded = true;
    this.#follow();
    this.#show();
  }

  #look(): void {
    this.#away.look(!document.hidden && this.transport.status.state === "live", Date.now());
  }

  async #failed(error: unknown): Promise<void> {
    // What is shown stays.
    if (this.#loaded) return;
    const { key, values } = databaseProblem(error);
    this.#list.failed(this.#text.of("links.failed", { reason: this.#text.of(key, values) }));
    // A token that the project does not take is of no use to anybody.
    if (key === "error.session") await this.#account.signOut().catch(() => {});
  }

  #follow(): void {
    this.#live.follow(this.#links.all.map(({ slug }) => slug));
  }

  #clicked(click: Click): void {
    const outcome = this.#links.add(click);
    if (outcome === "new") {
      this.#notices.opened(click.slug);
      this.#show();
    } else if (outcome === "elsewhere" && this.#loaded && !this.#unlisted.has(click.slug)) {
      this.#unlisted.add(click.slug);
      this.#looking ??= setTimeout(() => {
        this.#looking = undefined;
        this.#reading.start();
      }, LOOK_MS);
    }
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

  #showStatus(): void {
    const { standing } = this.#live;
    // As long as the links are not known there may be some to follow.
    const isEarly = standing.state === "idle" && !this.#loaded;
    const status = shown(this.transport.status, isEarly ? { state: "connecting" } : standing);
    this.#connection.show(status, this.#text, Date.now());
  }

  #tick(seconds: number): void {
    if (!document.hidden) {
      this.#showStatus();
      if (seconds % TICK_S === 0) this.#list.tick(this.#links, this.#text, Date.now());
    }
    setTimeout(() => this.#tick(seconds + 1), 1000);
  }
}
