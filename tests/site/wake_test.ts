import assert from "node:assert/strict";
import postgres from "postgres";
import { onlyLong } from "../support/long.ts";
import { type Page, testInBrowser } from "./support/browser.ts";
import { type Site, type Visitor, withSite } from "./support/mod.ts";

const REST: Record<string, (site: Site) => Promise<void>> = {
  "out of the back/forward cache, in a long wait": (site) => comesBackWaiting(site),
  "a dial that hangs is dropped when the network is there": (site) => hangs(site),
};

testInBrowser(
  "the page comes back from where it slept",
  (browser, test) =>
    withSite(browser, async (site) => {
      // First: of what was opened just before somebody came, nobody knows whether it was missed.
      await test.step({
        ...onlyLong("by broadcasts: out of a short loss, and out of an hour in a hidden tab"),
        fn: () => byMessages(site),
      });
      await test.step("out of the back/forward cache, live before", () => comesBackLive(site));
      for (const [name, fn] of Object.entries(REST)) {
        await test.step({ ...onlyLong(name), fn: () => fn(site) });
      }
    }),
);

/** What is in the page's memory, where it was not loaded again. */
const MARK = `
  globalThis.shown = new Promise((go) => addEventListener("pageshow", go));
  0;
`;

/** Away to another page, whatever is done meanwhile, and back by the browser's button. */
async function awayAndBack({ page }: Visitor, meanwhile: () => Promise<void>): Promise<void> {
  await page.evaluate(MARK);
  await page.goto("about:blank");
  await meanwhile();
  // A page out of the cache does not load.
  await page.goBack({ waitUntil: "commit" });
  const isKept = await page.evaluate("globalThis.shown?.then(({ persisted }) => persisted)");
  assert.ok(isKept, "the page was loaded again");
}

async function comesBackLive(site: Site): Promise<void> {
  const alice = await site.visit({ as: "alice" });
  await awayAndBack(alice, () => site.open("docs", 5));
  await alice.light("live");
  await alice.counts("docs", 5);
  await site.open("docs");
  await alice.counts("docs", 6);
  await alice.context.close();
}

/** What waits for a later attempt makes it at once. */
async function comesBackWaiting(site: Site): Promise<void> {
  const before = async (page: Page) => {
    await page.clock.install();
    await prepare(page, 0.99);
  };
  const bob = await site.visit({ as: "bob", before });
  const count = await bob.count("realtime");
  await bob.page.evaluate(`globalThis.next = "refused"`);
  await site.stack.restartRelay();
  const retryAt = await waitsLong(bob.page);
  await bob.page.evaluate(`globalThis.next = "dialled"`);
  await awayAndBack(bob, () => site.open("realtime", 5));
  await bob.light("live");
  assert.ok(await bob.page.evaluate<number>("Date.now()") < retryAt, "it waited all the same");
  await bob.counts("realtime", count! + 5);
  await bob.context.close();
}

/** Lets one attempt after the other fail, until a wait is long. Returns when it ends. */
async function waitsLong(page: Page): Promise<number> {
  const words = page.locator("#light-text");
  while (true) {
    const [, seconds] = /in (\d+) s/.exec(await words.innerText()) ?? [];
    if (Number(seconds) > 20) {
      return await page.evaluate<number>("Date.now()") + (Number(seconds) - 1) * 1_000;
    }
    await page.clock.fastForward(1_000);
  }
}

/** Chance is what is given here, and what becomes of sockets is `next`. */
async function prepare(page: Page, chance: number): Promise<void> {
  await page.addInitScript(`Math.random = () => ${chance}`);
  await page.addInitScript(SOCKETS);
}

/** A network that is no more takes a dial along, and nothing tells: it stays in CONNECTING. */
const SOCKETS = `
  const { WebSocket } = globalThis;
  globalThis.next = "dialled";
  globalThis.hung = undefined;
  globalThis.isHanging = new Promise((go) => globalThis.hangs = go);
  globalThis.WebSocket = new Proxy(WebSocket, {
    construct(target, args) {
      if (next === "dialled") return Reflect.construct(target, args);
      const socket = { readyState: 0, begun: Date.now(), close: () => socket.closed = Date.now() };
      if (next === "refused") queueMicrotask(() => socket.onclose?.({ code: 1006, reason: "" }));
      else {
        hung = socket;
        setTimeout(hangs, 1500);
      }
      return socket;
    },
  });
`;

/** What the client gives a dial that nothing wakes. */
const DIAL_MS = 15_000;

async function hangs(site: Site): Promise<void> {
  const alice = await site.visit({ as: "alice", before: (page) => prepare(page, 0) });
  const count = await alice.count("alice");
  await alice.page.evaluate(`globalThis.next = "hung"`);
  await site.stack.restartRelay();
  await alice.page.evaluate("isHanging");
  await alice.page.evaluate(`globalThis.next = "dialled"`);
  await site.open("alice", 5);
  await alice.page.evaluate(`dispatchEvent(new Event("online")); 0`);
  await alice.light("live");
  await alice.counts("alice", count! + 5);
  const lasted = await alice.page.evaluate<number>("hung.closed - hung.begun");
  assert.ok(lasted < DIAL_MS, `it hung for ${lasted} ms`);
  await alice.context.close();
}

/** A tab that is hidden, for as long as the page is told so. */
const HIDDEN = `
  globalThis.isHidden = false;
  Object.defineProperty(document, "hidden", { get: () => isHidden });
  Object.defineProperty(document, "visibilityState", { get: () => isHidden ? "hidden" : "visible" });
  globalThis.hide = (is) => {
    isHidden = is;
    document.dispatchEvent(new Event("visibilitychange"));
  };
`;

/** More than Realtime replays, and more than a page of messages. */
const [FEW, MANY] = [40, 1_100];

async function byMessages(site: Site): Promise<void> {
  site.mode = "broadcast";
  const sql = postgres(site.stack.postgres.adminUrl, { max: 1, onnotice: () => {} });
  const link = (slug: string) =>
    sql`insert into public.short_links (slug, target_url) values (${slug}, 'https://example.com/')`;
  const open = (times: number) =>
    sql`insert into public.url_clicks (slug) select 'busy' from generate_series(1, ${times})`;
  try {
    for (const slug of ["busy", "goes"]) await link(slug);
    const asked: string[] = [];
    // Also what is under way: its end may be told late.
    const begun: string[] = [];
    const visitor = await site.visit({
      async before(page) {
        await page.clock.install();
        await prepare(page, 0);
        await page.addInitScript(HIDDEN);
        page.on("request", (request) => begun.push(request.url()));
        page.on(
          "requestfinished",
          (request) => asked.push(`${request.url()} ${request.postData()}`),
        );
      },
    });
    const { page } = visitor;
    const times = (what: RegExp) => asked.filter((request) => what.test(request)).length;
    // A gap is read from a time of the server's, which each channel has asked for.
    const channels = await page.locator(".link").count();
    while (times(/missed_messages/) < channels) await page.waitForEvent("requestfinished");
    const count = (await visitor.count("busy"))!;

    const statsRead = () => begun.filter((url) => /link_stats/.test(url)).length;
    // A channel that is joined has all read once more, behind what is being read.
    do {
      while (statsRead() > times(/link_stats/)) await page.waitForEvent("requestfinished");
      await page.evaluate("0");
    } while (statsRead() > times(/link_stats/));
    const reads = statsRead();
    await away(site, page, () => open(FEW));
    await visitor.counts("busy", count + FEW);
    assert.equal(statsRead(), reads, "by messages alone");

    await page.evaluate("hide(true)");
    await away(site, page, async () => {
      await open(MANY);
      await sql`update public.short_links set title = 'Another' where slug = 'realtime'`;
      await sql`delete from public.short_links where slug = 'goes'`;
      await link("comes");
      await page.clock.fastForward(3_600_000);
    });
    await page.evaluate("hide(false)");
    await page.locator('.link[data-slug="comes"]').waitFor();
    await visitor.counts("busy", count + FEW + MANY);
    assert.equal(await page.locator('.link[data-slug="goes"]').count(), 0);
    await page.locator('.link[data-slug="realtime"]').getByText("Another").waitFor();
    // The clicks come by messages too, behind one page or more; and what is opened now comes behind them.
    while (times(/missed_messages.*"after_id"/) < 2) await page.waitForEvent("requestfinished");
    await site.open("busy");
    await visitor.counts("busy", count + FEW + MANY + 1);
    await visitor.context.close();
  } finally {
    site.mode = "postgres_changes";
    await sql.end();
  }
}

/** Without a socket while this is done. */
async function away(site: Site, page: Page, work: () => Promise<unknown>): Promise<void> {
  await page.evaluate(`globalThis.next = "refused"`);
  await site.stack.restartRelay();
  await work();
  await page.evaluate(`globalThis.next = "dialled"`);
  await page.evaluate(`dispatchEvent(new Event("online")); 0`);
}
