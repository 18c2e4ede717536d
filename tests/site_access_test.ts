import assert from "node:assert/strict";
import { checkLooks } from "./support/axe.ts";
import { type Page, testInBrowser } from "./support/browser.ts";
import { type Site, type Visitor, withSite } from "./support/site.ts";

const PHONE = { width: 360, height: 740 };

testInBrowser(
  "the links page is usable by everybody",
  (browser, test) =>
    withSite(browser, async (site) => {
      const visitor = await site.visit();
      const alice = await site.visit({ as: "alice" });

      await test.step("axe-core finds nothing serious, whatever the page shows", async () => {
        const states = [
          await ofVisitor(visitor, site),
          await ofOwner(alice),
          await ofNothing(site, "#public .empty", "link_stats*", (route) =>
            route.fulfill({ json: [] })),
          await ofNothing(site, "#failed", "link_stats*", (route) =>
            route.fulfill({ status: 500 })),
          await ofNothing(site, "#failed", "config.json", (route) =>
            route.fulfill({ status: 503 })),
        ];
        assert.deepEqual(states.flat(), []);
      });

      await test.step("nothing sticks out of a narrow phone, in both languages", async () => {
        for (const person of [visitor, alice]) {
          await person.page.setViewportSize(PHONE);
          for (const language of ["zh-Hant", "en"]) {
            await person.page.click("#language");
            await person.page.waitForSelector(`html[lang="${language}"]`);
            assert.deepEqual(await sticksOut(person.page), []);
            await person.page.click("#light");
            assert.deepEqual(await sticksOut(person.page), []);
            await person.page.keyboard.press("Escape");
          }
          await person.page.setViewportSize({ width: 1280, height: 800 });
        }
      });

      await test.step("everything can be reached and left by the keyboard", () =>
        byKeyboard(visitor));
      await test.step("the language is the browser's, until another is chosen", () =>
        languages(site));
    }),
);

async function ofVisitor({ page }: Visitor, site: Site): Promise<string[]> {
  await site.open("docs", 3);
  await page.waitForSelector(".toast");
  const found = await checkLooks(page, "busy");
  await page.click("#light");
  found.push(...await checkLooks(page, "details"));
  await page.keyboard.press("Escape");
  await page.click("#sign");
  await page.click("#sign-form [type=submit]");
  assert.equal(await page.locator("#sign-email-error").innerText(), "Enter your email address.");
  found.push(...await checkLooks(page, "sign in"));
  await page.click("#sign-cancel");
  return found;
}

async function ofOwner({ page }: Visitor): Promise<string[]> {
  const found = await checkLooks(page, "signed in");
  await page.fill("#new-slug", "not good");
  await page.click("#new [type=submit]");
  found.push(...await checkLooks(page, "signed in, with errors"));
  await page.click('.link[data-slug="alice"] .delete');
  found.push(...await checkLooks(page, "delete?"));
  await page.click("#delete-dialog [value=no]");
  return found;
}

async function ofNothing(
  site: Site,
  shown: string,
  asked: string,
  answer: Parameters<Page["route"]>[1],
): Promise<string[]> {
  const { page, context } = await site.visit({
    hasty: true,
    before: (page) => page.route(`**/${asked}`, answer),
  });
  await page.waitForSelector(shown);
  const found = await checkLooks(page, `${asked} ${shown}`);
  await context.close();
  return found;
}

/** What lies beyond the page's edges, or is cut off without three dots to say so. */
async function sticksOut(page: Page): Promise<string[]> {
  // As long as the light's words become.
  return await page.evaluate<string[]>(`
    document.querySelector("#light-text").textContent += " in 30 s";
    [...document.querySelectorAll("body *:not(.skip, .unseen)")].filter((element) => {
      const { left, right, width } = element.getBoundingClientRect();
      if (width === 0) return false;
      const { overflow, textOverflow } = getComputedStyle(element);
      const isCut = overflow !== "visible" && element.scrollWidth > element.clientWidth;
      return left < 0 || right > innerWidth || isCut && textOverflow !== "ellipsis" &&
        element.tagName !== "INPUT";
    }).map(({ outerHTML }) => outerHTML.slice(0, 100))
  `);
}

async function byKeyboard({ page }: Visitor): Promise<void> {
  await page.reload();
  await page.waitForSelector("#light[data-state=live]");
  const focused = () =>
    page.evaluate<string>(
      "document.activeElement.id ? '#' + document.activeElement.id : document.activeElement.hash",
    );
  const press = async (key: string, focus: string) => {
    await page.keyboard.press(key);
    assert.equal(await focused(), focus, key);
  };
  await press("Tab", "#links");
  await press("Tab", "#light");
  await press("Enter", "#light");
  assert.ok(await page.locator("#details").isVisible());
  await press("Escape", "#light");
  assert.ok(await page.locator("#details").isHidden());
  await press("Tab", "#language");
  await press("Tab", "#sign");
  await press("Enter", "#sign-email");
  await press("Escape", "#sign");
  // By the first link of all, which leads past the bar.
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Shift+Tab");
  await press("Shift+Tab", "#links");
  await press("Enter", "#links");
  await page.keyboard.press("Tab");
  const slug = await page.evaluate("document.activeElement.textContent");
  assert.match(String(slug), /^\/\w+$/);
}

async function languages(site: Site): Promise<void> {
  const { page } = await site.visit({ locale: "zh-TW" });
  const spoken = () => Promise.all([page.getAttribute("html", "lang"), page.title()]);
  assert.deepEqual(await spoken(), ["zh-Hant", "短網址"]);
  await site.open("docs");
  await page.locator(".toast", { hasText: "有人開啟了 /docs" }).waitFor();
  await page.click("#language");
  assert.deepEqual(await spoken(), ["en", "Short links"]);
  await page.reload();
  await page.waitForSelector(".link");
  assert.deepEqual(await spoken(), ["en", "Short links"]);
}
