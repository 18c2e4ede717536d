import assert from "node:assert/strict";
import type { Site, Visitor } from "./mod.ts";

/** Adds, shares, hides and deletes a link as Bob, making the mistakes that people make. */
export async function keepLinks(site: Site): Promise<void> {
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
  await add(bob, "launch");
  await bob.counts("launch", 0);

  const row = page.locator('#own .link[data-slug="launch"]');
  await site.open("launch");
  await bob.counts("launch", 1);
  await bob.told(/^Copied/, () => row.locator(".copy").click());
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
  await row.waitFor();
  const answer = await holdReading(bob, "later");
  await add(bob, "later");
  await answer.read;
  await remove(bob, "launch");
  // It was read before the deletion, and is heard of after it.
  answer.release();
  await bob.counts("later", 0);
  await row.waitFor({ state: "detached" });
  await remove(bob, "later");
  await page.locator("#own .empty").waitFor();
}

async function add({ page }: Visitor, slug: string): Promise<void> {
  await page.fill("#new-target", "https://example.com/");
  await page.fill("#new-slug", slug);
  await page.click("#new [type=submit]");
}

async function remove({ page }: Visitor, slug: string): Promise<void> {
  const row = page.locator(`#own .link[data-slug="${slug}"]`);
  await row.locator(".delete").click();
  await page.click("#delete-dialog [value=yes]");
  await row.waitFor({ state: "detached" });
}

/** Keeps from the page what is read of the links once this one is among them. */
async function holdReading({ page }: Visitor, slug: string) {
  const [read, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await page.route("**/rest/v1/link_stats?*", async (route) => {
    const response = await route.fetch();
    if ((await response.text()).includes(`"${slug}"`)) {
      read.resolve();
      await released.promise;
    }
    await route.fulfill({ response });
  });
  return { read: read.promise, release: released.resolve };
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
