import axe from "axe-core";
import type { Page } from "./browser.ts";

/** What axe-core calls serious or critical on the page as it is, each as one line. */
export async function check(page: Page, state: string): Promise<string[]> {
  if (!await page.evaluate("'axe' in globalThis")) await page.evaluate(axe.source);
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
