import axe from "axe-core";
import type { Page } from "./browser.ts";
import { LONG } from "../../support/long.ts";

/** Each colour scheme and each language. */
const LOOKS = [["light", "en"], ["dark", "zh-Hant"]] as const;
const ALL_LOOKS = [...LOOKS, ["dark", "en"], ["light", "zh-Hant"]] as const;

let states = 0;
/** One state has the one look and the next the other; RELAY_TEST_LONG=1 gives each all four pairs. */
const looks = () => LONG ? ALL_LOOKS : [LOOKS[states++ % LOOKS.length]];

/**
 * What axe-core calls serious or critical on the page as it is, each as one line. The page is left
 * in the look that it had, if that was the light one in English.
 */
export async function checkLooks(page: Page, state: string): Promise<string[]> {
  if (!await page.evaluate("'axe' in globalThis")) await page.evaluate(axe.source);
  const found: string[] = [];
  for (const [colorScheme, language] of looks()) {
    await look(page, colorScheme, language);
    found.push(...await check(page, `${state}, ${colorScheme}, ${language}`));
  }
  await look(page, "light", "en");
  return found;
}

/** The button is out of reach behind a dialog, but not for a script. */
async function look(page: Page, colorScheme: "light" | "dark", language: string): Promise<void> {
  await page.emulateMedia({ colorScheme });
  await page.evaluate(`
    if (document.documentElement.lang !== "${language}") document.querySelector("#language").click();
  `);
}

async function check(page: Page, state: string): Promise<string[]> {
  const { violations } = await page.evaluate<{ violations: Violation[] }>(
    "axe.run({ resultTypes: ['violations'] })",
  );
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${state}: ${id} at ${nodes.map(({ html }) => html).join(" ")}`);
}

interface Violation {
  id: string;
  impact: string;
  nodes: { html: string }[];
}
