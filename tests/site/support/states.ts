import assert from "node:assert/strict";
import type { Page } from "./browser.ts";
import { LONG } from "../../support/long.ts";
import { checkLooks } from "./axe.ts";
import type { Site, Visitor } from "./mod.ts";

const PHONE = { width: 360, height: 740 };
const DESKTOP = { width: 1280, height: 800 };

/** What axe-core finds on the page in each of its states, signed in and out. */
export async function checkStates(site: Site, visitor: Visitor, owner: Visitor): Promise<string[]> {
  const states = [
    await ofVisitor(visitor, site),
    await ofOwner(owner),
    await ofNothing(site, "#public .empty", "link_stats*", (route) => route.fulfill({ json: [] })),
  ];
  if (LONG) {
    for (const [asked, status] of [["link_stats*", 500], ["config.json", 503]] as const) {
      states.push(await ofNothing(site, "#failed", asked, (route) => route.fulfill({ status })));
    }
  }
  return states.flat();
}

/** What sticks out of a narrow phone in either language, with the connection's details open, too. */
export async function checkOnPhone({ page }: Visitor): Promise<string[]> {
  const found: string[] = [];
  await page.setViewportSize(PHONE);
  for (const language of ["zh-Hant", "en"]) {
    await page.click("#language");
    await page.waitForSelector(`html[lang="${language}"]`);
    found.push(...await sticksOut(page));
    await page.click("#light");
    found.push(...await sticksOut(page));
    await page.keyboard.press("Escape");
  }
  await page.setViewportSize(DESKTOP);
  return found;
}

async function ofVisitor(visitor: Visitor, site: Site): Promise<string[]> {
  const { page } = visitor;
  await visitor.told(/docs/, () => site.open("docs", 3));
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
