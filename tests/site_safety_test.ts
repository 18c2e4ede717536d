import assert from "node:assert/strict";
import postgres from "postgres";
import { testInBrowser } from "./support/browser.ts";
import { type Site, type Visitor, withSite } from "./support/site.ts";

/** Runs where it becomes HTML, and nowhere else. */
const SCRIPT = `<img src=x onerror="globalThis.broken=1"><script>broken=1</script>`;

testInBrowser(
  "the links page takes text for text, and keeps its people's links",
  (browser, test) =>
    withSite(browser, async (site) => {
      const visitor = await site.visit({});

      await test.step("a script in slug, title or referrer stays text", async () => {
        await addScripts(site);
        const alice = await site.visit({ as: "alice" });
        const row = alice.page.locator(".link").filter({ hasText: "globalThis.broken" });
        await row.waitFor();
        assert.equal(await row.locator(".slug").textContent(), `/${SCRIPT}`);
        assert.ok((await row.locator(".about").textContent())!.startsWith(SCRIPT));
        await clickOnScript(site);
        await alice.told(/Somebody opened \/<img src=x/);
        assert.equal(await alice.page.evaluate("globalThis.broken"), undefined);
        await clearScripts(site);
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

      await test.step("links are added, shared, hidden and deleted, and mistakes are told", () =>
        ownLinks(site));
    }),
);

async function ownLinks(site: Site): Promise<void> {
  const bob = await site.visit({
    as: "bob",
    permissions: ["clipboard-read", "clipboard-write"],
  });
  const { page } = bob;
  const error = (field: string, words: RegExp) =>
    page.locator(`#new-${field}-error`).filter({ hasText: words }).waitFor();
  await page.fill("#new-target", "https://example.com/blog/Our-Launch-Day.html");
  assert.equal(await page.inputValue("#new-slug"), "our-launch-day");
  await page.locator("#new-slug-free").filter({ hasText: "/our-launch-day is free" }).waitFor();
  // Alice's is private: Bob does not see it, and is told all the same.
  await page.fill("#new-slug", "alice");
  await error("slug", /^\/alice is taken\./);
  await page.click("#new [type=submit]");
  await error("slug", /^\/alice is taken\./);
  await page.fill("#new-target", "example.com");
  await page.click("#new [type=submit]");
  await error("target", /^A web address begins/);
  await page.fill("#new-target", "https://example.com/launch");
  await page.fill("#new-slug", "launch");
  await page.click("#new [type=submit]");
  await bob.counts("launch", 0);

  const row = page.locator('#own .link[data-slug="launch"]');
  await site.open("launch");
  await bob.counts("launch", 1);
  await row.locator(".copy").click();
  await bob.told(/^Copied/);
  assert.equal(
    await page.evaluate("navigator.clipboard.readText()"),
    `${site.stack.info.API_URL}/functions/v1/redirect/launch`,
  );
  const visibility = row.locator(".visibility");
  await visibility.click();
  await row.locator(".badge").waitFor();
  const { page: other, context } = await site.visit();
  assert.equal(await other.locator('[data-slug="launch"]').count(), 0);
  await visibility.click();
  await row.locator(".badge").waitFor({ state: "hidden" });
  await other.reload();
  await other.locator('#public [data-slug="launch"]').waitFor();
  await context.close();
  await visibility.click();
  await row.locator(".badge").waitFor();

  await row.locator(".delete").click();
  await page.click("#delete-dialog [value=no]");
  assert.equal(await bob.count("launch"), 1);
  await page.click("#sign");
  await page.locator("#new").waitFor({ state: "hidden" });
  await row.waitFor({ state: "detached" });
  await wrongPassword(bob);
  await bob.signIn(site.stack.info, "bob");
  await row.locator(".delete").click();
  await page.click("#delete-dialog [value=yes]");
  await row.waitFor({ state: "detached" });
  await page.locator("#own .empty").waitFor();
}

async function wrongPassword({ page }: Visitor): Promise<void> {
  await page.click("#sign");
  await page.fill("#sign-email", "bob@example.com");
  await page.fill("#sign-password", "wrong");
  await page.click("#sign-form [type=submit]");
  await page.locator("#sign-error", { hasText: "No account has this email and password." })
    .waitFor();
  await page.click("#sign-cancel");
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
