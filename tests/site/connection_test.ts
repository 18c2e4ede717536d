import assert from "node:assert/strict";
import { LONG } from "../support/long.ts";
import { signToken } from "../../tools/stack/keys.ts";
import { checkLooks } from "./support/axe.ts";
import { type Page, testInBrowser } from "./support/browser.ts";
import { type Site, withSite } from "./support/mod.ts";

/** The relay of these tests wants people to sign in, so that it has somebody to refuse. */
const SIGNED_IN = { relayEnv: { RELAY_ANONYMOUS: "refuse" } };

testInBrowser(
  "the light tells the truth, and the count is right afterwards",
  (browser, test) =>
    withSite(browser, async (site) => {
      await test.step("a relay that refuses is quoted, and signing in is enough", async () => {
        const visitor = await site.visit({ hasty: true });
        await visitor.light("refused");
        const notice = await visitor.page.locator("#refusal").innerText();
        assert.match(notice, /Sign in first, or set RELAY_ANONYMOUS=allow.*anonymous_refused/s);
        await visitor.page.click("#light");
        assert.match(await visitor.page.locator("#details").innerText(), /4401 anonymous_refused/);
        await visitor.says(/^\[links\] refused: 4401 anonymous_refused: Sign in first/);
        // The links are there all the same.
        await visitor.counts("docs", 0);
        assert.deepEqual(await checkLooks(visitor.page, "refused"), []);
        await visitor.signIn(site.stack.info, "bob");
        await visitor.live();
        assert.ok(await visitor.page.locator("#refusal").isHidden());
        await visitor.context.close();
      });

      const alice = await site.visit({ as: "alice" });
      await alice.page.evaluate(WATCH_LIGHT);

      await test.step("the relay is killed and started again", async () => {
        const { relay } = site.stack;
        const restarted = site.stack.restartRelay();
        relay.kill();
        await alice.light("reconnecting");
        await site.open("docs", 5);
        await restarted;
        await alice.light("live");
        await alice.counts("docs", 5);
        const said = await alice.page.evaluate<string[]>("lightSaid");
        assert.ok(said.some((words) => /^Reconnecting in [1-9]\d* s$/.test(words)), said.join());
      });

      await test.step("the network goes and comes", async () => {
        // Chromium's emulation only holds up open sockets; a network that goes takes them along.
        const restarted = site.stack.restartRelay();
        await alice.light("reconnecting");
        await alice.context.setOffline(true);
        await alice.light("offline");
        await site.open("docs", 5);
        assert.deepEqual(await checkLooks(alice.page, "offline"), []);
        await restarted;
        await alice.context.setOffline(false);
        await alice.light("live");
        await alice.counts("docs", 10);
        await site.open("docs");
        await alice.counts("docs", 11);
      });

      await test.step("what was missed is told in the details", async () => {
        await alice.page.click("#light");
        const told = (name: string) => alice.page.locator(`#details-${name}`).innerText();
        // The count may be read before its event has come.
        const becomes = (name: string, what: RegExp) =>
          alice.page.locator(`#details-${name}`, { hasText: what }).waitFor();
        assert.equal(
          await told("relay"),
          `${site.stack.info.RELAY_URL}/websocket`.replace("http", "ws"),
        );
        for (const name of ["since", "last"]) {
          await becomes(name, /^\d+:\d\d:\d\d [AP]M$/);
        }
        await becomes("caught", /^[1-9]\d* events?$/);
        assert.ok(await alice.page.evaluate("globalThis.lightSaid"), "the page was loaded again");
      });

      await test.step("a tab is hidden for two minutes", () => hiddenForTwoMinutes(site));
      await test.step({
        name: "a token expires while the machine sleeps" +
          (LONG ? "" : " (skipped: RELAY_TEST_LONG=1 runs it)"),
        ignore: !LONG,
        fn: () => sleepsPastItsToken(site),
      });
    }, SIGNED_IN),
);

/** Runs in the page: notes each thing that the light says. */
const WATCH_LIGHT = `
  globalThis.lightSaid = [];
  const words = document.querySelector("#light-text");
  new MutationObserver(() => lightSaid.push(words.textContent)).observe(words, { childList: true });
`;

async function hiddenForTwoMinutes(site: Site): Promise<void> {
  const bob = await site.visit({ as: "bob", before: (page) => page.clock.install() });
  await hide(bob.page, true);
  await bob.page.clock.fastForward(60_000);
  await site.open("realtime", 5);
  await bob.page.clock.fastForward(60_000);
  await hide(bob.page, false);
  await bob.light("live");
  await bob.counts("realtime", 5);
  await site.open("realtime");
  await bob.counts("realtime", 6);
  await bob.context.close();
}

/**
 * A page whose clock stands ten minutes back has a token that it takes for good. When the relay ends
 * the socket the machine is asleep, as it were; then the clock is put right, as on waking up.
 */
async function sleepsPastItsToken(site: Site): Promise<void> {
  const { info } = site.stack;
  const session = await signIn(info);
  const keys = JSON.parse(await Deno.readTextFile(`${site.stack.dataDir}/keys.json`));
  const claims = JSON.parse(atob(session.access_token.split(".")[1]));
  const { iat: _, exp: __, ...lasting } = claims;
  const lifeS = 10;
  const expired = Math.floor(Date.now() / 1000) + lifeS;
  const token = await signToken(keys.jwtSecret, lasting, lifeS);
  const name = `sb-${new URL(info.API_URL).hostname.split(".")[0]}-auth-token`;
  const stored = JSON.stringify({ ...session, access_token: token, expires_at: expired });
  const alice = await site.visit({
    before: async (page) => {
      await page.clock.install({ time: Date.now() - 600_000 });
      await page.addInitScript(([name, stored]) => {
        localStorage.getItem(name) ?? localStorage.setItem(name, stored);
      }, [name, stored]);
    },
  });
  assert.equal(await alice.count("alice"), 0);
  await alice.light("refused");
  assert.match(await alice.page.locator("#refusal").innerText(), /Refresh the session/);
  await site.open("alice", 5);
  await alice.page.clock.setSystemTime(Date.now());
  await alice.page.clock.fastForward(1000);
  await alice.light("live");
  await alice.counts("alice", 5);
  await site.open("alice");
  await alice.counts("alice", 6);
}

async function signIn({ API_URL, PUBLISHABLE_KEY, USERS }: Site["stack"]["info"]) {
  const [{ email, password }] = USERS;
  const response = await fetch(`${API_URL}/auth/v1/token?grant_type=password`, {
    method: "POST",
    headers: { apikey: PUBLISHABLE_KEY, "content-type": "application/json" },
    body: JSON.stringify({ email, password }),
  });
  return await response.json();
}

/** A headless Chromium never hides its tabs: this is what a page is told when it is. */
async function hide(page: Page, hidden: boolean): Promise<void> {
  await page.evaluate(`
    Object.defineProperty(document, "hidden", { configurable: true, value: ${hidden} });
    Object.defineProperty(document, "visibilityState", {
      configurable: true,
      value: "${hidden ? "hidden" : "visible"}",
    });
    document.dispatchEvent(new Event("visibilitychange"));
  `);
}
