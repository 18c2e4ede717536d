import assert from "node:assert/strict";
import { testInBrowser } from "../../site/support/browser.ts";
import { withDirectory } from "../../support/directory.ts";
import { bundleViewer } from "./support/program.ts";
import { serveProgram } from "./support/serve_program.ts";
import { withScriptedRelays } from "./support/two_relays.ts";

testInBrowser(
  "a page out of the back/forward cache is told of what it may have missed",
  (browser) =>
    withDirectory(async (folder) => {
      await using program = serveProgram(await bundleViewer("page", folder));
      await withScriptedRelays(async ({ relay }, realtime) => {
        const page = await browser.newPage();
        const said: string[] = [];
        page.on("console", (line) => said.push(line.text()));
        const says = async (line: string) => {
          while (!said.includes(line)) await page.waitForEvent("console");
          // What a page has said before it went away is heard again.
          return said.splice(0);
        };
        await page.goto(`${program.url}#${relay}`);
        await says("told SUBSCRIBED");
        realtime.say("realtime:room", "before");
        await says("heard before");
        await page.goto("about:blank");
        realtime.say("realtime:room", "meanwhile");
        await page.goBack({ waitUntil: "commit" });
        const told = await says("system gap");
        assert.ok(told.includes("told CHANNEL_ERROR"), "realtime-js closes its socket");
        realtime.say("realtime:room", "after");
        assert.ok(!(await says("heard after")).includes("heard meanwhile"));
        await page.close();
      });
    }),
);

testInBrowser(
  "a page whose policy forbids the socket says so, and what to add",
  (browser) =>
    withDirectory(async (folder) => {
      const policy = { "content-security-policy": "default-src 'self'" };
      await using program = serveProgram(await bundleViewer("page", folder), policy);
      const page = await browser.newPage();
      const said: string[] = [];
      page.on("console", (line) => said.push(line.text()));
      await page.goto(`${program.url}#https://relay.test/functions/v1/relay`);
      while (!said.some((line) => /^is re/.test(line))) await page.waitForEvent("console");
      assert.equal(
        said.find((line) => /^is re/.test(line)),
        "is refused: The page's Content-Security-Policy forbids this socket: " +
          "add wss://relay.test to connect-src.",
      );
      await page.close();
    }),
);
