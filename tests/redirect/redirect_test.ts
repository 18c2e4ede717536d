import assert from "node:assert/strict";
import { createRedirect, type Opening } from "../../supabase/functions/redirect/redirect.ts";
import { testOnHosts } from "../support/relay_host.ts";
import { withFunction } from "./support/function.ts";

const TARGET = "https://example.com/a?b=c";
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/** Asks a redirect function in front of one link, `docs`, and tells what it asked the database. */
async function ask(
  path: string,
  init: RequestInit = {},
  target: string | null = TARGET,
): Promise<{ response: Response; asked: Opening[] }> {
  const asked: Opening[] = [];
  const redirect = createRedirect({
    open(opening) {
      asked.push(opening);
      return Promise.resolve(opening.slug === "docs" ? target : null);
    },
  });
  const response = await redirect(new Request(`http://localhost${path}`, init));
  return { response, asked };
}

async function assertText(response: Response, status: number) {
  assert.equal(response.status, status);
  assert.match(response.headers.get("content-type")!, /^text\/plain/);
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.match(await response.text(), /^[A-Z].*\.\n$/);
}

Deno.test("a short link leads to its target, whatever the path before it, and is counted", async () => {
  for (const path of ["/redirect/docs", "/functions/v1/redirect/docs", "/redirect/docs/?a=b"]) {
    const { response, asked } = await ask(path);
    assert.equal(response.status, 302);
    assert.equal(response.headers.get("location"), TARGET);
    assert.equal(response.headers.get("cache-control"), "no-store");
    assert.equal(response.headers.get("referrer-policy"), "no-referrer");
    assert.equal(await response.text(), "");
    assert.deepEqual(asked, [{ slug: "docs", referrer_host: null, country: null, counted: true }]);
  }
});

Deno.test("an unknown link is 404 in plain text", async () => {
  const { response, asked } = await ask("/redirect/unknown");
  await assertText(response, 404);
  assert.equal(asked.length, 1);
});

Deno.test("what cannot be a link is 404, and the database is not asked", async () => {
  const paths = ["/redirect/", "/redirect", "/redirect/a%20b", "/redirect/a.b", "/redirect/docs/x"];
  for (const path of [...paths, "/other/docs", `/redirect/${"a".repeat(65)}`, "/redirect/%E0%A4"]) {
    const { response, asked } = await ask(path);
    await assertText(response, 404);
    assert.deepEqual(asked, [], path);
  }
});

Deno.test("other methods are refused and named", async () => {
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
    const { response, asked } = await ask("/redirect/docs", { method });
    await assertText(response, 405);
    assert.equal(response.headers.get("allow"), "GET, HEAD");
    assert.deepEqual(asked, []);
  }
});

Deno.test("HEAD, prefetches and previews get the target and are not counted", async () => {
  const agents = ["facebookexternalhit/1.1", "WhatsApp/2.24.1 A", "Slackbot-LinkExpanding 1.0"];
  const asks: RequestInit[] = [
    { method: "HEAD" },
    ...["prefetch", "prefetch;prerender"].map((value) => ({ headers: { "sec-purpose": value } })),
    { headers: { purpose: "prefetch" } },
    { headers: { "x-purpose": "preview" } },
    { headers: { "x-moz": "prefetch" } },
    ...agents.map((agent) => ({ headers: { "user-agent": agent } })),
    {
      headers: {
        "user-agent": "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
      },
    },
  ];
  for (const init of asks) {
    const { response, asked } = await ask("/redirect/docs", init);
    assert.equal(response.status, 302);
    assert.equal(response.headers.get("location"), TARGET);
    assert.equal(asked[0].counted, false, JSON.stringify(init));
  }
  const { asked } = await ask("/redirect/docs", { headers: { "user-agent": FIREFOX } });
  assert.equal(asked[0].counted, true);
});

Deno.test("of the referrer only its host is told, and only if it is a web page", async () => {
  const cases: [string, string | null][] = [
    ["https://News.Example:8443/private/path?who=me#x", "news.example"],
    ["http://example.com", "example.com"],
    ["android-app://com.example", null],
    ["about:blank", null],
    ["not a url", null],
    [`https://${"a.".repeat(130)}example`, null],
  ];
  for (const [referer, host] of cases) {
    const { asked } = await ask("/redirect/docs", { headers: { referer } });
    assert.equal(asked[0].referrer_host, host, referer);
  }
});

Deno.test("a country is two capitals or nothing", async () => {
  const cases: [string, string | null][] = [["CH", "CH"], ["ch", null], ["XX", null], ["T1", null]];
  for (const [code, country] of [...cases, ["CHE", null], ["", null]] as typeof cases) {
    for (const name of ["cf-ipcountry", "x-country"]) {
      const { asked } = await ask("/redirect/docs", { headers: { [name]: code } });
      assert.equal(asked[0].country, country, `${name}: ${code}`);
    }
  }
});

Deno.test("nobody is led anywhere but to the web", async () => {
  for (
    const target of ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "nowhere"]
  ) {
    await assertText((await ask("/redirect/docs", {}, target)).response, 404);
  }
  const { response } = await ask("/redirect/docs", {}, "https://example.com/é\r\nx: y");
  assert.equal(response.headers.get("location"), "https://example.com/%C3%A9x:%20y");
});

Deno.test("a database that fails or is slow is 503 in plain text, and is not waited for", async () => {
  const never = (signal: AbortSignal) =>
    new Promise<null>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  for (
    const open of [
      () => Promise.reject(new Error("down")),
      (_: Opening, s: AbortSignal) => never(s),
    ]
  ) {
    const response = await createRedirect({ open, deadlineMs: 50 })(
      new Request("http://localhost/redirect/docs"),
    );
    assert.equal(response.headers.get("retry-after"), "2");
    await assertText(response, 503);
  }
});

testOnHosts(
  "the redirect function asks open_short_link with the project's publishable key",
  async (host) => {
    const asked: { path: string; apikey: string | null; body: unknown }[] = [];
    const project = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        const path = new URL(request.url).pathname;
        asked.push({ path, apikey: request.headers.get("apikey"), body: await request.json() });
        return Response.json(TARGET);
      },
    );
    const SUPABASE_URL = `http://127.0.0.1:${project.addr.port}`;
    const keys: Record<string, string>[] = [
      {
        SUPABASE_PUBLISHABLE_KEYS: '{"default":"sb_publishable_test"}',
        SUPABASE_ANON_KEY: "another",
      },
      { SUPABASE_PUBLISHABLE_KEYS: "", SUPABASE_PUBLISHABLE_KEY: "sb_publishable_test" },
      { SUPABASE_ANON_KEY: "sb_publishable_test" },
    ];
    for (const environment of keys) {
      await withFunction(host, { SUPABASE_URL, ...environment }, async (url) => {
        const headers = { referer: "https://news.example/x", "cf-ipcountry": "CH" };
        const response = await fetch(`${url}/redirect/docs`, { redirect: "manual", headers });
        assert.equal(response.status, 302);
        assert.equal(response.headers.get("location"), TARGET);
      });
      assert.deepEqual(asked.splice(0), [{
        path: "/rest/v1/rpc/open_short_link",
        apikey: "sb_publishable_test",
        body: { slug: "docs", referrer_host: "news.example", country: "CH", counted: true },
      }]);
    }
    await project.shutdown();
  },
);

testOnHosts("the redirect function answers though the project never does", async (host) => {
  const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const environment = {
    SUPABASE_URL: `http://127.0.0.1:${silent.addr.port}`,
    SUPABASE_ANON_KEY: "sb_publishable_test",
  };
  await withFunction(host, environment, async (url) => {
    await assertText(await fetch(`${url}/redirect/docs`), 503);
  });
  silent.close();
});
