import assert from "node:assert/strict";
import postgres from "postgres";
import { testInBrowser } from "./support/browser.ts";
import { byKeyboard } from "./support/keyboard.ts";
import { type Site, withSite } from "./support/mod.ts";
import { keepLinks } from "./support/own_links.ts";
import { checkOnPhone, checkStates } from "./support/states.ts";

/** Runs where it becomes HTML, and nowhere else. */
const SCRIPT = `<img src=x onerror="globalThis.broken=1"><script>broken=1</script>`;

/** Marks and letters that turn around what follows. */
const TURNING = "\u2069\u202e\u05d0\u05d1";

/** Where the letters of the address are, as the page draws them. */
const LEFTS = `(() => {
  const text = document.querySelector('.link[data-slug="turned"] .about').lastChild;
  const begin = text.data.lastIndexOf(" · ");
  return [...text.data.slice(begin)].map((_letter, i) => {
    const range = document.createRange();
    range.setStart(text, begin + i);
    range.setEnd(text, begin + i + 1);
    return range.getBoundingClientRect().left;
  });
})()`;

testInBrowser(
  "the links page is safe, and usable by everybody",
  (browser, test) =>
    withSite(browser, async (site) => {
      const visitor = await site.visit();
      const alice = await site.visit({ as: "alice" });

      await test.step("a script in slug, title or referrer stays text", async () => {
        await addScripts(site);
        await alice.page.reload();
        await alice.live();
        const row = alice.page.locator(".link").filter({ hasText: "globalThis.broken" });
        await row.waitFor();
        assert.equal(await row.locator(".slug").textContent(), `/${SCRIPT}`);
        assert.ok((await row.locator(".about").textContent())!.startsWith(SCRIPT));
        await alice.told(/Somebody opened \/<img src=x/, () => clickOnScript(site));
        assert.equal(await alice.page.evaluate("globalThis.broken"), undefined);
        await clearScripts(site);
      });

      await test.step("a title turns no letter of the address behind it around", async () => {
        await withDatabase(site, (sql) =>
          sql`insert into public.short_links (slug, title, target_url)
            values ('turned', ${TURNING}, 'https://1.example.com/')`);
        await alice.page.reload();
        await alice.live();
        const about = alice.page.locator('.link[data-slug="turned"] .about');
        assert.match((await about.textContent())!, /\u05d0\u05d1.* · 1\.example\.com$/);
        const lefts = await alice.page.evaluate<number[]>(LEFTS);
        assert.equal(lefts.length, " · 1.example.com".length);
        assert.deepEqual(lefts, lefts.toSorted((a, b) => a - b));
        await withDatabase(
          site,
          (sql) => sql`delete from public.short_links where slug = 'turned'`,
        );
      });

      await test.step("the policy lets nothing in line, and no text become HTML", async () => {
        const { page } = visitor;
        const response = await page.request.get(site.stack.info.API_URL);
        const header = response.headers()["content-security-policy"];
        const meta = await page.locator("meta[http-equiv]").getAttribute("content");
        assert.equal(header, `${meta}; frame-ancestors 'none'`);
        assert.doesNotMatch(header, /unsafe|data:|blob:|\*/);
        const { host } = new URL(site.stack.info.API_URL);
        const reaches = header.match(/connect-src ([^;]+)/)![1].split(" ");
        assert.deepEqual(reaches, ["'self'", `http://${host}`, `ws://${host}`]);
        const html = await response.text();
        assert.doesNotMatch(html, /<script(?![^>]* src=)|<style|\son\w+=|\sstyle=/);
        const attempt = await page.evaluate(
          `(() => { try { document.body.innerHTML = "<b>"; } catch (error) { return error.name; } })()`,
        );
        assert.equal(attempt, "TypeError");
        visitor.errors.length = 0;
      });

      await test.step("axe-core finds nothing serious, whatever the page shows", async () => {
        assert.deepEqual(await checkStates(site, visitor, alice), []);
      });
      await test.step("nothing sticks out of a narrow phone, in both languages", async () => {
        for (const person of [visitor, alice]) assert.deepEqual(await checkOnPhone(person), []);
      });
      await test.step("everything can be reached and left by the keyboard", () =>
        byKeyboard(visitor));
      await test.step("the language is the browser's, until another is chosen", () =>
        languages(site));
      await test.step("links are added, shared, hidden and deleted, and mistakes are told", () =>
        keepLinks(site));
      await test.step("who has as many links as one may have is told so", () => fullAccount(site));
    }),
);

async function fullAccount(site: Site): Promise<void> {
  await withDatabase(site, (sql) =>
    sql`
      insert into public.short_links (slug, target_url, owner)
      select 'full-' || n, 'https://example.com/', id from auth.users, generate_series(1, 100) as n
      where email = 'bob@example.com'`);
  const { page } = await site.visit({ as: "bob" });
  await page.fill("#new-target", "https://example.com/");
  await page.fill("#new-slug", "one-more");
  await page.click("#new [type=submit]");
  await page.locator("#new-error", { hasText: "You have as many links as an account may have." })
    .waitFor();
  assert.equal(await page.locator('.link[data-slug="one-more"]').count(), 0);
}

async function languages(site: Site): Promise<void> {
  const visitor = await site.visit({ locale: "zh-TW" });
  const { page } = visitor;
  const spoken = () => Promise.all([page.getAttribute("html", "lang"), page.title()]);
  assert.deepEqual(await spoken(), ["zh-Hant", "短網址"]);
  await visitor.told(/有人開啟了 \/docs/, () => site.open("docs"));
  await page.click("#language");
  assert.deepEqual(await spoken(), ["en", "Short links"]);
  await page.reload();
  await page.waitForSelector(".link");
  assert.deepEqual(await spoken(), ["en", "Short links"]);
}

/** What no API lets anybody do: the checks of the tables are taken away for it. */
async function withDatabase(site: Site, work: (sql: postgres.Sql) => Promise<unknown>) {
  const sql = postgres(site.stack.info.DB_URL, { max: 1, onnotice: () => {} });
  await work(sql).finally(() => sql.end());
}

const addScripts = (site: Site) =>
  withDatabase(site, async (sql) => {
    await sql`alter table public.short_links drop constraint short_links_slug_check`;
    await sql`alter table public.url_clicks drop constraint url_clicks_referrer_host_check`;
    await sql`insert into public.short_links (slug, title, target_url)
      values (${SCRIPT}, ${SCRIPT}, 'https://example.com/')`;
  });

const clickOnScript = (site: Site) =>
  withDatabase(
    site,
    (sql) => sql`insert into public.url_clicks (slug, referrer_host) values (${SCRIPT}, ${SCRIPT})`,
  );

const clearScripts = (site: Site) =>
  withDatabase(site, (sql) => sql`delete from public.short_links where slug = ${SCRIPT}`);
