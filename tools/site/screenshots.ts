/**
 * `deno task screenshots [DIR]`: pictures of the page in its states, from a stack of its own, into
 * docs/images or DIR. Needs Chromium.
 */
import { fileURLToPath } from "node:url";
import { type Page, withBrowser } from "../../tests/support/browser.ts";
import { type Site, type VisitOptions, withSite } from "../../tests/support/site.ts";

const [folder = fileURLToPath(new URL("../../docs/images", import.meta.url))] = Deno.args;

const DESKTOP = { width: 1100, height: 720 };
const PHONE = { width: 390, height: 780 };

const FONT_PACKAGE = "npm:@fontsource-variable/inter@5.3.0";
const FIND_FONT = `
  await import("${FONT_PACKAGE}/package.json", { with: { type: "json" } });
  console.log(import.meta.resolve("${FONT_PACKAGE}/files/inter-latin-wght-normal.woff2"));
`;

const LINKS = [
  ["launch", "https://example.com/blog/launch-day", "Launch day", 64],
  ["pricing", "https://example.com/pricing", "Pricing", 31],
  ["docs-websocket", "https://supabase.com/docs/guides/realtime", "How Realtime works", 17],
  ["team-notes", "https://example.com/internal/notes", "Team notes", 3],
] as const;

async function main(): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await withBrowser((browser) =>
    withSite(browser, async (site) => {
      await shoot(site, "empty-phone", { viewport: PHONE, before: noLinks });
      await shoot(site, "empty", { viewport: DESKTOP, before: noLinks });
      await fill(site);
      await shoot(site, "busy", { viewport: DESKTOP, as: "alice" }, busy(site));
      const dark = { colorScheme: "dark" } as const;
      await shoot(site, "busy-dark", { viewport: DESKTOP, as: "alice", ...dark }, busy(site));
      await shoot(site, "visitor-phone", { viewport: PHONE }, busy(site));
      const zh = { viewport: PHONE, as: "alice", locale: "zh-TW", ...dark } as const;
      await shoot(site, "owner-phone-zh", zh, busy(site));
      await shoot(site, "details", { viewport: DESKTOP, ...dark }, (page) => page.click("#light"));
      await shoot(site, "sign-in", { viewport: PHONE }, (page) => page.click("#sign"));
    })
  );
  await withBrowser((browser) =>
    withSite(browser, async (site) => {
      const refused = async (page: Page) => {
        await page.waitForSelector("#light[data-state=refused]");
        await page.waitForSelector(".link");
      };
      const hasty = { hasty: true };
      await shoot(site, "refused", { viewport: DESKTOP, ...hasty }, refused);
      await shoot(site, "refused-phone", { viewport: PHONE, ...hasty }, refused);
    }, { relayEnv: { RELAY_ANONYMOUS: "refuse" } })
  );
}

async function shoot(
  site: Site,
  name: string,
  options: VisitOptions,
  prepare: (page: Page) => Promise<unknown> = () => Promise.resolve(),
): Promise<void> {
  const { page, context } = await site.visit({ deviceScaleFactor: 2, bypassCSP: true, ...options });
  await page.addStyleTag({ content: FONT });
  await page.evaluate("document.fonts.load('600 16px Inter')");
  await prepare(page);
  await page.waitForTimeout(250);
  await page.screenshot({ path: `${folder}/${name}.png` });
  await context.close();
}

const noLinks = (page: Page) =>
  page.route("**/link_stats*", (route) => route.fulfill({ json: [] }));

/** Somebody opens links while the picture is taken. */
const busy = (site: Site) => async (page: Page) => {
  await site.open("launch");
  await page.waitForSelector(".toast");
  await site.open("launch", 12);
  await page.locator(".toast", { hasText: /12|11/ }).first().waitFor();
};

/** Links of Alice's, and their clicks over the last minutes. */
async function fill({ stack }: Site): Promise<void> {
  const { default: postgres } = await import("postgres");
  const sql = postgres(stack.info.DB_URL, { max: 1, onnotice: () => {} });
  await sql`delete from public.short_links`;
  const [{ id: owner }] = stack.info.USERS;
  for (const [place, [slug, target, title, clicks]] of LINKS.entries()) {
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
