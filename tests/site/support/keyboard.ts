import assert from "node:assert/strict";
import type { Visitor } from "./mod.ts";

/** Goes through the page without a mouse: into everything, and out of it again. */
export async function byKeyboard({ page }: Visitor): Promise<void> {
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
