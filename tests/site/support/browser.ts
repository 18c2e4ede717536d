import { type Browser, chromium } from "playwright-core";

export type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";

/** Where systems and CI images have it. */
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

const ARGS = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"],
  ...["--disable-background-networking", "--disable-component-update"],
];

const executablePath = PLACES.find((place) => {
  try {
    return Deno.statSync(place).isFile;
  } catch {
    return false;
  }
});

/** Why there is no browser here, for the names of tests; empty where there is one. */
export const browserMissing = executablePath ? "" : " (skipped: there is no chromium)";

/** Registers a test that needs Chromium; without one it is ignored, and its name says so. */
export function testInBrowser(
  name: string,
  work: (browser: Browser, context: Deno.TestContext) => Promise<void>,
  ignore = false,
): void {
  Deno.test({
    name: name + browserMissing,
    ignore: ignore || browserMissing !== "",
    // playwright-core keeps timers and a pipe of its own until its process ends.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: (context) => withBrowser((browser) => work(browser, context)),
  });
}

/** Runs `work` with a headless Chromium of its own. */
export async function withBrowser(work: (browser: Browser) => Promise<void>): Promise<void> {
  if (!executablePath) throw new Error(`There is no chromium: looked for ${PLACES.join(", ")}.`);
  const browser = await chromium.launch({
    executablePath,
    args: ARGS,
    // Else nothing is as in a browser when somebody goes back.
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  });
  try {
    await work(browser);
  } finally {
    await browser.close();
  }
}
