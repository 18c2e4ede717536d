import assert from "node:assert/strict";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "./browser.ts";
import { siteConfig, type StackInfo } from "../../../tools/stack/info.ts";
import type { StackOptions } from "../../../tools/stack/stack.ts";
import { serveSite } from "../../../tools/site/serve.ts";
import { openLink } from "../../support/open_link.ts";
import { type TestStack, withStack } from "../../support/stack.ts";

export interface VisitOptions extends BrowserContextOptions {
  /** Signs in as this demo user, through the page. */
  as?: "alice" | "bob";
  /** Does not wait until clicks flow. */
  hasty?: boolean;
  /** Where the page is, if not on the stack itself. */
  at?: string;
  /** Prepares the page before it loads. */
  before?(page: Page): Promise<unknown>;
}

/** The links page of a stack, and the people who look at it. */
export interface Site {
  stack: TestStack;
  /** How the page is told to get its clicks, from the next visit on. */
  mode: "postgres_changes" | "broadcast";
  visit(options?: VisitOptions): Promise<Visitor>;
  /** Opens a short link so many times, as somebody elsewhere does. */
  open(slug: string, times?: number): Promise<void>;
}

/** A stack with its page. Afterwards nobody may have met an error or left the page's origin. */
export async function withSite(
  browser: Browser,
  work: (site: Site) => Promise<void>,
  options: Partial<StackOptions> = {},
): Promise<void> {
  let info: StackInfo | undefined;
  const visitors: Visitor[] = [];
  const serve = serveSite(() => info && { ...siteConfig(info), mode: site.mode });
  const site: Site = {
    mode: "postgres_changes",
    stack: undefined!,
    async visit(options = {}) {
      const visitor = await Visitor.arrive(browser, site.stack.info, options);
      visitors.push(visitor);
      return visitor;
    },
    async open(slug, times = 1) {
      // As many at once as a browser would have.
      const one = async () => {
        while (times-- > 0) await openLink(site.stack.info, slug);
      };
      await Promise.all(Array.from({ length: 6 }, one));
    },
  };
  await withStack(async (stack) => {
    info = stack.info;
    site.stack = stack;
    await work(site);
    for (const { errors, strays } of visitors) {
      assert.deepEqual(errors, []);
      assert.deepEqual(strays, []);
    }
  }, { ...options, site: serve });
}

/** Somebody with the page open, in a browser context of their own. */
export class Visitor {
  /** Errors that nobody caught, and what the policy blocked. */
  readonly errors: string[] = [];
  /** Requests to any other origin than the page's and its project's. */
  readonly strays: string[] = [];
  /** What the page sent over its sockets. */
  readonly frames: string[] = [];
  /** What the page wrote to the console. */
  readonly console: string[] = [];

  private constructor(readonly context: BrowserContext, readonly page: Page, origins: string[]) {
    page.on("pageerror", (error) => this.errors.push(error.message));
    page.on("dialog", (dialog) => this.errors.push(dialog.message()));
    page.on("console", (message) => {
      const text = message.text();
      this.console.push(text);
      if (/Content Security Policy|Trusted/i.test(text)) this.errors.push(text);
    });
    const hosts = origins.map((origin) => new URL(origin).host);
    const note = (url: string) => {
      if (!hosts.includes(new URL(url).host)) this.strays.push(url);
    };
    page.on("request", (request) => note(request.url()));
    page.on("websocket", (socket) => {
      note(socket.url());
      socket.on("framesent", ({ payload }) => this.frames.push(String(payload)));
    });
  }

  static async arrive(browser: Browser, info: StackInfo, options: VisitOptions): Promise<Visitor> {
    const { as, hasty, before, at = info.API_URL, ...context } = options;
    const opened = await browser.newContext({ locale: "en-US", ...context });
    const page = await opened.newPage();
    const visitor = new Visitor(opened, page, [at, info.API_URL]);
    await before?.(page);
    await page.goto(at);
    if (as) await visitor.signIn(info, as);
    if (!hasty) await visitor.live();
    return visitor;
  }

  async signIn({ USERS }: StackInfo, name: "alice" | "bob"): Promise<void> {
    const { email, password } = USERS.find(({ email }) => email.startsWith(name))!;
    await this.page.click("#sign");
    await this.page.fill("#sign-email", email);
    await this.page.fill("#sign-password", password);
    await this.page.click("#sign-form [type=submit]");
    await this.page.waitForSelector("#who:not([hidden])");
    await this.page.waitForSelector("#sign-dialog:not([open])", { state: "attached" });
  }

  /** Resolves when the light shows this state. */
  async light(state: string): Promise<void> {
    await this.page.waitForSelector(`#light[data-state="${state}"]`);
  }

  /** Resolves when clicks flow to whoever is signed in: by the light, and by the console. */
  async live(times = 1): Promise<void> {
    await this.light("live");
    await this.says(/^\[links\] subscribed: /, times);
    await this.page.waitForSelector("#links[aria-busy=false]", { state: "attached" });
  }

  /** Resolves when so many lines of the console match. */
  async says(line: RegExp, times = 1): Promise<void> {
    while (this.console.filter((text) => line.test(text)).length < times) {
      await this.page.waitForEvent("console");
    }
  }

  /** What the row of a link counts; undefined where there is none. */
  async count(slug: string): Promise<number | undefined> {
    const row = this.page.locator(`.link[data-slug="${slug}"] .count`);
    return await row.count() ? Number((await row.textContent())!.replaceAll(",", "")) : undefined;
  }

  /** Resolves when the row of a link counts this much. */
  async counts(slug: string, count: number): Promise<void> {
    const row = this.page.locator(`.link[data-slug="${slug}"] .count`);
    await row.filter({ hasText: new RegExp(`^${count.toLocaleString("en")}$`) }).waitFor();
  }

  /** Resolves when a notification that matches was seen while this was done: none stays for long. */
  async told(words: RegExp, act: () => Promise<unknown>): Promise<void> {
    const toast = this.page.locator(".toast").filter({ hasText: words }).first();
    await Promise.all([toast.waitFor(), act()]);
  }
}
