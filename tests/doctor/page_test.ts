import assert from "node:assert/strict";
import { hiderOf } from "../../tools/doctor/hide.ts";
import { keysOf, scriptsOf } from "../../tools/doctor/identify/page.ts";
import { startUpstream } from "../support/upstream.ts";
import { diagnose } from "./support/run.ts";
import { PUBLISHABLE_KEY, SECRET_KEY, sign } from "../support/tokens.ts";

Deno.test("keys and tokens are found in a page's text, each once", async () => {
  const token = await sign();
  const text = `a("${token}"),b='${PUBLISHABLE_KEY}';${token} jwt-${token},${SECRET_KEY}.x eyJ.a.b`;
  assert.deepEqual(keysOf(text).sort(), [token, PUBLISHABLE_KEY, SECRET_KEY].sort());
  assert.deepEqual(keysOf("eyJhbGci.short.x www.example.com a.b.c sb_publishable_x"), []);
});

Deno.test("a page's scripts are found by their src, however the tag is written", () => {
  const html = `<script src="/a.js"></script><script>x</script><SCRIPT type='module'
    crossorigin SRC='/b.js'></SCRIPT><script data-src="/no.js"></script><script defer src="/c.js">`;
  assert.deepEqual(scriptsOf(html), ["/a.js", "/b.js", "/c.js"]);
  // As minifiers leave it, and as a template writes it.
  const bare =
    `<script type=module src=/a.js></script><script src = '/b.js?x=1&amp;y=2' ></script>`;
  assert.deepEqual(scriptsOf(bare), ["/a.js", "/b.js?x=1&y=2"]);
});

/** What a site serves, and the path of its page. */
const SITES: [name: string, start: string, files: Record<string, string>][] = [
  ["a script without quotes", "/", {
    "/": "<script type=module src=/a.js></script>",
    "/a.js": `const b="/api/sb"`,
  }],
  ["a page whose base is another folder", "/", {
    "/": `<base href="/static/"><script src="a.js"></script>`,
    "/static/a.js": `const b="/api/sb"`,
  }],
  ["a chunk that a script imports", "/app/", {
    "/app/": `<script type="module" src="assets/a.js"></script>`,
    "/app/assets/a.js": `import{x}from"./b-1.js";x()`,
    "/app/assets/b-1.js": `const b="/api/sb"`,
  }],
  ["a chunk that a script loads later", "/", {
    "/": `<script type="module" src="/a.js"></script>`,
    "/a.js": `const load=()=>import("./b-2.mjs")`,
    "/b-2.mjs": `const b="/api/sb"`,
  }],
  ["an address with escaped slashes", "/", {
    "/": `<script>window.env={"url":"\\/api\\/sb"}</script>`,
  }],
  ["settings as JSON in the page", "/", {
    "/": `<script id="__DATA__" type="application/json">{"url":"ORIGIN/api/sb"}</script>`,
  }],
];

for (const [name, start, files] of SITES) {
  Deno.test(`a page's project is found: ${name}`, async () => {
    const upstream = startUpstream({
      refuse: () => new Response(null, { status: 404 }),
      onRequest(request) {
        const { pathname, origin } = new URL(request.url);
        if (pathname === "/api/sb/auth/v1/health") return Response.json({ name: "GoTrue" });
        const file = files[pathname]?.replaceAll("ORIGIN", origin);
        if (file === undefined) return new Response(null, { status: 404 });
        const type = pathname.endsWith("js") ? "text/javascript" : "text/html";
        return new Response(file, { headers: { "content-type": type } });
      },
    });
    try {
      const args = [`${upstream.url}${start}`, "--key", PUBLISHABLE_KEY, "--wait", "1"];
      const { socket } = await diagnose(args);
      assert.equal(socket, `${upstream.url}/api/sb/realtime/v1/websocket`);
    } finally {
      await upstream.stop();
    }
  });
}

Deno.test("what looks like a token or a key is hidden, and names of hosts are not", async () => {
  const hide = hiderOf({ db: undefined, envFile: undefined });
  const token = await sign();
  assert.equal(
    hide(
      `GET abcdefghij.supabase.co?x=${token}&y=jwt-${token} (${SECRET_KEY}, ${PUBLISHABLE_KEY})`,
    ),
    "GET abcdefghij.supabase.co?x=(hidden)&y=(hidden) ((hidden), (hidden))",
  );
});
