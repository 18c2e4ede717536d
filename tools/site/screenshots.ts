/**
 * `deno task screenshots [DIR]`: pictures of the page in its states, from a stack of its own, into
 * DIR. Without DIR into dist/screenshots, and the README's into docs. Needs Chromium.
 */
import { fileURLToPath } from "node:url";
import { type Page, withBrowser } from "../../tests/site/support/browser.ts";
import { type Site, type VisitOptions, withSite } from "../../tests/site/support/mod.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const [folder = `${ROOT}dist/screenshots`] = Deno.args;
const FOR_README = "busy-desktop-light";

const DESKTOP = { width: 1100, height: 860 };
const PHONE = { width: 360, height: 740 };

const FONT_PACKAGE = "npm:@fontsource-variable/inter@5.3.0";
const FIND_FONT = `
  await import("${FONT_PACKAGE}/package.json", { with: { type: "json" } });
  console.log(import.meta.resolve("${FONT_PACKAGE}/files/inter-latin-wght-normal.woff2"));
`;

const LINKS = [
  ["launch", "https://example.com/blog/launch-day", "Launch day", "alice", 64],
  ["pricing", "https://example.com/pricing", "Pricing", "alice", 31],
  ["team-notes", "https://example.com/internal/notes", "Team notes", "alice", 3],
  ["docs-websocket", "https://supabase.com/docs/guides/realtime", "How Realtime works", "bob", 17],
] as const;

async function main(): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await withBrowser((browser) =>
    withSite(browser, async (site) => {
      await shoot(site, "empty-desktop", { viewport: DESKTOP, before: noLinks, as: "bob" });
      await shoot(site, "empty-phone", { viewport: PHONE, before: noLinks });
      await fill(site);
      await shoot(site, "busy-desktop", { viewport: DESKTOP, as: "alice" }, busy(site));
      await shoot(site, "busy-phone", { viewport: PHONE }, busy(site));
      const zh = { viewport: PHONE, as: "alice", locale: "zh-TW" } as const;
      await shoot(site, "chinese-phone", zh, busy(site));
      await shoot(site, "details-desktop", { viewport: DESKTOP }, (page) => page.click("#light"));
      await shoot(site, "details-phone", { viewport: PHONE }, (page) => page.click("#light"));
      await shoot(site, "sign-in-phone", { viewport: PHONE }, (page) => page.click("#sign"));
      await shoot(site, "mistakes-desktop", { viewport: DESKTOP, as: "alice" }, mistakes);
      await shoot(site, "delete-phone", { viewport: PHONE, as: "alice" }, (page) =>
        page.click('[data-slug="launch"] .delete'));
    })
  );
  await withBrowser((browser) =>
    withSite(browser, async (site) => {
      await fill(site);
      const refused = (page: Page) => page.waitForSelector("#light[data-state=refused]");
      await shoot(site, "refused-desktop", { viewport: DESKTOP, hasty: true }, refused);
      await shoot(site, "refused-phone", { viewport: PHONE, hasty: true }, refused);
    }, { relayEnv: { RELAY_ANONYMOUS: "refuse" } })
  );
  if (Deno.args.length > 0) return;
  await Deno.copyFile(`${folder}/${FOR_README}.png`, `${ROOT}docs/links-page.png`);
}

/** Two pictures, in the light and in the dark. */
async function shoot(
  site: Site,
  name: string,
  options: VisitOptions,
  prepare: (page: Page) => Promise<unknown> = () => Promise.resolve(),
): Promise<void> {
  const { page, context } = await site.visit({
    deviceScaleFactor: 1.6,
    bypassCSP: true,
    ...options,
  });
  await page.addStyleTag({ content: FONT });
  await page.evaluate("document.fonts.load('600 16px Inter')");
  await page.waitForSelector("#links[aria-busy=false]");
  await prepare(page);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(HOLD_STILL);
    await page.screenshot({ path: `${folder}/${name}-${colorScheme}.png` });
  }
  await context.close();
}

/** The pulse as it is after a fifth of a second, and all else at its end. */
const HOLD_STILL = `
  for (const animation of document.getAnimations()) {
    animation.pause();
    animation.currentTime = animation.animationName === "pulse" ? 200 : 300;
  }
`;

const noLinks = (page: Page) =>
  page.route("**/link_stats*", (route) => route.fulfill({ json: [] }));

/** Somebody opens links while the picture is taken. */
const busy = (site: Site) => async (page: Page) => {
  await site.open("launch");
  await page.waitForSelector(".toast");
  await site.open("launch", 12);
  // However many of them a busy machine tells at once.
  await page.locator(".toast", { hasText: /\d/ }).first().waitFor();
  await site.open("launch");
  await page.waitForSelector(".pulse");
};

async function mistakes(page: Page): Promise<void> {
  await page.fill("#new-target", "example.com/launch");
  await page.fill("#new-slug", "launch");
  await page.locator("#new-slug-error", { hasText: "taken" }).waitFor();
  await page.locator("#new-target").blur();
}

/** Links of both users, and their clicks over the last minutes. */
async function fill({ stack }: Site): Promise<void> {
  const { default: postgres } = await import("postgres");
  const sql = postgres(stack.info.DB_URL, { max: 1, onnotice: () => {} });
  await sql`delete from public.short_links`;
  for (const [place, [slug, target, title, name, clicks]] of LINKS.entries()) {
    const { id: owner } = stack.info.USERS.find(({ email }) => email.startsWith(name))!;
    const isPublic = slug !== "team-notes";
    await sql`insert into public.short_links (slug, target_url, title, owner, is_public, created_at)
      values (${slug}, ${target}, ${title}, ${owner}, ${isPublic}, now() - ${place} * interval '1 day')`;
    // More and more of them, and some from before.
    await sql`insert into public.url_clicks (slug, clicked_at)
      select ${slug}, now() - (0.02 + power(random(), 1.6)) * interval '10 minutes'
      from generate_series(1, ${clicks}::int)`;
    await sql`insert into public.url_clicks (slug, clicked_at)
      select ${slug}, now() - interval '2 days' from generate_series(1, ${clicks * 19}::int)`;
  }
  await sql.end();
}

async function inter(): Promise<string> {
  // By a Deno without this project's lock file, which `deno task dev` fetches whole.
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", "--no-config", FIND_FONT],
    stderr: "inherit",
  }).output();
  const bytes = await Deno.readFile(new URL(new TextDecoder().decode(stdout).trim()));
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return `@font-face { font-family: Inter; font-weight: 100 900; src: url(data:font/woff2;base64,${
    btoa(text)
  }) }
    :root { font-family: Inter, "Noto Sans CJK TC", sans-serif }`;
}

/** Pictures look the same on each machine: this font in place of the system's. */
const FONT = await inter();
await main();
Deno.exit(0);
