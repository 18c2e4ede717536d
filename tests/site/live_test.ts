import assert from "node:assert/strict";
import { LONG, onlyLong } from "../support/long.ts";
import { buildSite } from "../../tools/site/build.ts";
import { testInBrowser } from "./support/browser.ts";
import { withDirectory } from "../support/directory.ts";
import { type Site, type Visitor, withSite } from "./support/mod.ts";
import { withStaticHost } from "./support/static_host.ts";

/** Opens of one link at once. */
const BURST = LONG ? 200 : 60;

testInBrowser(
  "the links page counts while people look",
  (browser, test) =>
    withSite(browser, async (site) => {
      const visitor = await site.visit();
      const alice = await site.visit({ as: "alice" });
      const bob = await site.visit({ as: "bob" });

      await test.step("a link that one person opens counts up for another, with a toast", async () => {
        await visitor.told(/^Somebody opened \/docs$/, () => opensInBrowser(bob, "docs"));
        await visitor.counts("docs", 1);
        assert.deepEqual(visitor.console.filter((line) => line.startsWith("[links]")), [
          `[links] initialised: ${site.stack.info.RELAY_URL} (postgres_changes)`,
          "[links] subscribing: clicks (postgres_changes)",
          "[links] subscribed: clicks",
        ]);
      });

      await test.step("it asks for inserts alone", () => {
        const joins = visitor.frames.map((frame) => JSON.parse(frame))
          .filter(([, , , event]) => event === "phx_join")
          .map(([, , , , { config }]) => config.postgres_changes);
        assert.deepEqual(joins, [[{ event: "INSERT", schema: "public", table: "url_clicks" }]]);
      });

      await test.step("the number pulses, and nothing moves when it grows", async () => {
        await bob.page.emulateMedia({ reducedMotion: "reduce" });
        for (const { page } of [visitor, bob]) await page.evaluate(WATCH);
        await site.open("docs");
        for (const person of [visitor, bob]) await person.counts("docs", 2);
        await site.open("docs", 8);
        for (const person of [visitor, bob]) await person.counts("docs", 10);
        const [moved, still] = [await seen(visitor), await seen(bob)];
        assert.deepEqual(moved.shifted, []);
        assert.ok(moved.pulses > 0 && moved.animations.includes("pulse"), "it did not pulse");
        assert.ok(still.pulses > 0 && still.animations.length === 0, "it moved all the same");
        const spark = visitor.page.locator('.link[data-slug="docs"] .spark');
        assert.equal(await spark.getAttribute("aria-label"), "10 opens in the last 10 minutes");
        assert.match((await spark.locator(".bars").getAttribute("d"))!, /^M[\d.]+ 28V[\d.]+/);
      });

      await test.step("a private link is its owner's alone", async () => {
        await site.open("alice");
        // Changes arrive in the order of their commits: who has the second never got the first.
        await site.open("docs");
        for (const person of [visitor, alice, bob]) await person.counts("docs", 11);
        await alice.counts("alice", 1);
        assert.deepEqual(await alice.page.locator("#own .slug").allInnerTexts(), ["/alice"]);
        for (const { page } of [visitor, bob]) {
          assert.doesNotMatch(await page.locator("body").innerText(), /\/alice\b/);
        }
      });

      await test.step(`${BURST} opens in a burst are ${BURST} more, told in few words`, async () => {
        const { toasts } = await seen(visitor);
        const words = /^\d+ opens of \/realtime in the last second$/;
        const burst = visitor.told(words, () => site.open("realtime", BURST));
        const late = await site.visit({ hasty: true });
        await burst;
        const everybody = [visitor, alice, bob, late];
        await Promise.all(everybody.map((person) => person.counts("realtime", BURST)));
        assert.ok((await seen(visitor)).toasts - toasts < 20, "a toast for each open");
        // Whatever was still on its way is there before the next one.
        await site.open("docs");
        for (const person of everybody) {
          await person.counts("docs", 12);
          assert.equal(await person.count("realtime"), BURST);
        }
        await late.context.close();
      });

      await test.step("the same from a static host", () => fromStaticHost(site));
      await test.step({
        ...onlyLong("the same by private broadcasts"),
        fn: () => byBroadcast(site),
      });
    }),
);

async function byBroadcast(site: Site): Promise<void> {
  site.mode = "broadcast";
  const visitor = await site.visit({ hasty: true });
  const alice = await site.visit({ as: "alice", hasty: true });
  await visitor.live(2);
  await alice.says(/subscribed: clicks:alice/);
  await alice.live(2);
  await site.open("alice");
  await site.open("docs", 30);
  await Promise.all([visitor.counts("docs", 42), alice.counts("docs", 42)]);
  await alice.counts("alice", 3);
  assert.equal(await visitor.count("alice"), undefined);
  assert.ok(visitor.console.includes("[links] subscribing: clicks:docs (broadcast)"));
  assert.ok(!visitor.console.some((line) => line.includes("clicks:alice")));
  const noLinks = await site.visit({
    hasty: true,
    before: (page) => page.route("**/link_stats*", (route) => route.fulfill({ json: [] })),
  });
  await noLinks.light("idle");
}

/** The page on an origin of its own, in a folder there. */
async function fromStaticHost(site: Site): Promise<void> {
  const { API_URL, PUBLISHABLE_KEY } = site.stack.info;
  await withDirectory(async (folder) => {
    await buildSite(folder, { url: API_URL, key: PUBLISHABLE_KEY });
    await withStaticHost(folder, async (at) => {
      const alice = await site.visit({ as: "alice", at });
      await site.open("alice");
      await alice.counts("alice", 2);
      assert.ok(alice.page.url().startsWith(at));
      await alice.context.close();
    });
  });
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

/** Runs in the page: adds up how much its parts move untouched, and counts pulses and toasts. */
const WATCH = `
  globalThis.seen = { shifted: [], toasts: 0, pulses: 0, animations: [] };
  new PerformanceObserver((list) => {
    for (const { sources } of list.getEntries()) {
      for (const { node } of sources) {
        const element = node?.nodeType === Node.TEXT_NODE ? node.parentElement : node;
        // Toasts lie over the page, and make room for each other; only they are gone by now.
        if (element && !element.closest("#toasts")) seen.shifted.push(element.outerHTML);
      }
    }
  }).observe({ type: "layout-shift" });
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) seen.toasts += addedNodes.length;
  }).observe(document.querySelector("#toasts"), { childList: true });
  new MutationObserver((changes) => {
    for (const { target } of changes) seen.pulses += target.classList.contains("pulse");
  }).observe(document.querySelector("#links"), { subtree: true, attributeFilter: ["class"] });
  document.addEventListener("animationstart", ({ animationName }) => {
    seen.animations.push(animationName);
  });
`;

interface Seen {
  /** What changed its place, as HTML. */
  shifted: string[];
  toasts: number;
  pulses: number;
  animations: string[];
}

const seen = ({ page }: Visitor) => page.evaluate<Seen>("seen");
