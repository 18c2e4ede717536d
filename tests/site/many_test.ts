import assert from "node:assert/strict";
import postgres from "postgres";
import { testInBrowser } from "./support/browser.ts";
import { type Site, withSite } from "./support/mod.ts";

/** More than the page shows, all older than those that it does. */
const LINKS = 10_000;
const SHOWN = 200;

/** How many of the others are opened, one after the other. */
const OPENED = 24;

/** Between two opens: at once they would be looked for at once. */
const PACE_MS = 150;

/** So often the page looks for links made elsewhere, at most. */
const LOOK_MS = 2_000;

testInBrowser(
  "of ten thousand links the page shows some, and what happens to the others costs little",
  (browser) =>
    withSite(browser, async (site) => {
      await addLinks(site);
      const { page } = await site.visit({ reducedMotion: "reduce" });
      let looks = 0;
      page.on("request", (request) => looks += Number(request.url().includes("/link_stats")));
      const start = Date.now();
      for (let n = 1; n <= OPENED; n++) {
        await site.open(`many-${n + SHOWN}`);
        await page.waitForTimeout(PACE_MS);
      }
      await page.waitForRequest(/\/link_stats/);
      const most = (Date.now() - start) / LOOK_MS + 2;
      assert.ok(looks <= most, `all was read ${looks} times, for ${OPENED} opens`);
      assert.equal(await page.locator(".link").count(), SHOWN);
    }),
);

async function addLinks(site: Site): Promise<void> {
  const sql = postgres(site.stack.info.DB_URL, { max: 1 });
  await sql`insert into public.short_links (slug, target_url, is_public, created_at)
    select 'many-' || n, 'https://example.com/', true, now() - interval '2 years' - n * interval '1 s'
    from generate_series(1, ${LINKS}::int) n`.finally(() => sql.end());
}
