import assert from "node:assert/strict";
import { testInBrowser } from "./support/browser.ts";
import { type Site, type Visitor, withSite } from "./support/site.ts";

testInBrowser(
  "the links page counts while people look",
  (browser, test) =>
    withSite(browser, async (site) => {
      const visitor = await site.visit();
      const alice = await site.visit({ as: "alice" });
      const bob = await site.visit({ as: "bob" });

      await test.step("a link that one person opens counts up for another, with a toast", async () => {
        await opensInBrowser(bob, "docs");
        await Promise.all([visitor.counts("docs", 1), visitor.told(/^Somebody opened \/docs$/)]);
        assert.deepEqual(visitor.console.filter((line) => line.startsWith("[links]")), [
          `[links] initialised: ${site.stack.info.RELAY_URL} (postgres_changes)`,
          "[links] subscribing: clicks (postgres_changes)",
          "[links] subscribed: clicks",
        ]);
      });

      await test.step("the number pulses, and nothing moves when it grows", async () => {
        await visitor.page.evaluate(WATCH);
        await site.open("docs");
        await visitor.page.waitForSelector('.link[data-slug="docs"] .pulse');
        await site.open("docs", 8);
        await visitor.counts("docs", 10);
        assert.equal((await seen(visitor)).shifted, 0);
      });

      await test.step("a private link is its owner's alone", async () => {
        await site.open("alice");
        // Changes arrive in the order of their commits: who has the second never got the first.
        await site.open("docs");
        for (const person of [visitor, alice, bob]) await person.counts("docs", 11);
        await alice.counts("alice", 1);
        assert.deepEqual([await visitor.count("alice"), await bob.count("alice")], [
          undefined,
          undefined,
        ]);
        for (const { page } of [visitor, bob]) {
          assert.doesNotMatch(await page.locator("body").innerText(), /\/alice\b/);
        }
      });

      await test.step("200 opens in a burst are 200 more, told in few words", async () => {
        const { toasts } = await seen(visitor);
        await site.open("realtime", 200);
        await Promise.all([visitor.counts("realtime", 200), alice.counts("realtime", 200)]);
        await visitor.told(/^\d+ opens of \/realtime in the last second$/);
        assert.ok((await seen(visitor)).toasts - toasts < 20, "a toast for each open");
      });

      await test.step("the same by private broadcasts", () => byBroadcast(site));
    }),
);

async function byBroadcast(site: Site): Promise<void> {
  site.mode = "broadcast";
  const [visitor, alice] = [
    await site.visit({ hasty: true }),
    await site.visit({
      as: "alice",
      hasty: true,
    }),
  ];
  await visitor.live(2);
  await alice.says(/subscribed: clicks:alice/);
  await alice.live(2);
  await site.open("alice");
  await site.open("docs", 30);
  await Promise.all([visitor.counts("docs", 41), alice.counts("docs", 41)]);
  await alice.counts("alice", 2);
  assert.equal(await visitor.count("alice"), undefined);
  assert.ok(visitor.console.includes("[links] subscribing: clicks:docs (broadcast)"));
  assert.ok(!visitor.console.some((line) => line.includes("clicks:alice")));
}

/** Follows the link on the page, as a person does; where it leads is not there. */
async function opensInBrowser(visitor: Visitor, slug: string): Promise<void> {
  await visitor.context.route(/supabase\.com/, (route) => route.fulfill({ body: "target" }));
  const [target] = await Promise.all([
    visitor.context.waitForEvent("page"),
    visitor.page.click(`.link[data-slug="${slug}"] .slug`),
  ]);
  await target.waitForURL(/supabase\.com/);
  await target.close();
}

/** Runs in the page: adds up how much its parts move untouched, and counts its toasts. */
const WATCH = `
  globalThis.seen = { shifted: 0, toasts: 0 };
  new PerformanceObserver((list) => {
    for (const { sources, value } of list.getEntries()) {
      // Toasts lie over the page, and make room for each other.
      if (sources.some(({ node }) => node?.id !== "toasts")) seen.shifted += value;
    }
  }).observe({ type: "layout-shift" });
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) seen.toasts += addedNodes.length;
  }).observe(document.querySelector("#toasts"), { childList: true });
`;

const seen = ({ page }: Visitor) => page.evaluate<{ shifted: number; toasts: number }>("seen");
