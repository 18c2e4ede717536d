/** Addresses as people have them. */
import assert from "node:assert/strict";
import { projectUrl } from "../../tools/doctor/identify/address.ts";
import { readOptions, UsageError } from "../../tools/doctor/options.ts";
import { nginx, NGINX_UPGRADE } from "../support/proxies/configurations.ts";
import { findProxy, startProxy } from "../support/proxies/start.ts";
import { keyPair, signAnonKey } from "../support/tokens.ts";
import { startUpstream } from "../support/upstream.ts";
import { agree } from "./support/agree.ts";
import { diagnose, sawAll } from "./support/run.ts";

const REF = "abcdefghijklmnopqrst";

/** What is asked for an address. */
function urlOf(address: string): string {
  const options = readOptions([address], {});
  assert.ok(options !== "help");
  // The named host is the one that key and token go to.
  assert.equal(options.url.host, projectUrl(options.url).host);
  return projectUrl(options.url).href;
}

const ADDRESSES: [address: string, project: string][] = [
  ["abc.supabase.co", "https://abc.supabase.co/"],
  ["localhost:8000", "http://localhost:8000/"],
  ["127.0.0.1:54321", "http://127.0.0.1:54321/"],
  ["192.168.1.5", "http://192.168.1.5/"],
  ["[::1]:8000", "http://[::1]:8000/"],
  ["kong:8000", "http://kong:8000/"],
  ["api.localhost", "http://api.localhost/"],
  ["example.com:8443", "https://example.com:8443/"],
  ["example.com:8000", "http://example.com:8000/"],
  ["https://abc.supabase.co/rest/v1/", "https://abc.supabase.co/"],
  ["https://abc.supabase.co/rest/v1/todos?select=*", "https://abc.supabase.co/"],
  ["https://abc.supabase.co/auth/v1", "https://abc.supabase.co/"],
  ["https://abc.supabase.co/storage/v1/object/public/a/b.png", "https://abc.supabase.co/"],
  ["abcdefghijklmnopqrst", `https://${REF}.supabase.co/`],
  ["SUPABASE_URL=https://abc.supabase.co", "https://abc.supabase.co/"],
  ['"https://abc.supabase.co"', "https://abc.supabase.co/"],
  ["https:/abc.supabase.co", "https://abc.supabase.co/"],
  ["abc.supabase.co/rest/v1/", "https://abc.supabase.co/"],
  ["https://abc.supabase.co/graphql/v1", "https://abc.supabase.co/"],
  ["https://site.example.com/supabase", "https://site.example.com/supabase/"],
  ["https://site.example.com/supabase/rest/v1/", "https://site.example.com/supabase/"],
  [`https://supabase.com/dashboard/project/${REF}`, `https://${REF}.supabase.co/`],
  [`https://supabase.com/dashboard/project/${REF}/settings/api`, `https://${REF}.supabase.co/`],
  [`https://app.supabase.com/project/${REF}/editor`, `https://${REF}.supabase.co/`],
  [`db.${REF}.supabase.co`, `https://${REF}.supabase.co/`],
  ["http://127.0.0.1:54323/project/default", "http://127.0.0.1:54321/"],
  ["localhost:54323", "http://localhost:54321/"],
  ["https://supabase.example.com/project/default/editor", "https://supabase.example.com/"],
  [`https://${REF}.storage.supabase.co/storage/v1/s3`, `https://${REF}.supabase.co/`],
  [`https://${REF}.functions.supabase.co`, `https://${REF}.supabase.co/`],
  ["//abc.supabase.co", "https://abc.supabase.co/"],
  ["https//abc.supabase.co", "https://abc.supabase.co/"],
  ["https://abc.supabase.co.", "https://abc.supabase.co/"],
  [" https://abc.supabase.co ", "https://abc.supabase.co/"],
  ["(https://abc.supabase.co)", "https://abc.supabase.co/"],
  ["https://abc.supabase.co//app/[x", "https://abc.supabase.co/app/[x/"],
  ["https://abc.supabase.co//example.com/app", "https://abc.supabase.co/example.com/app/"],
  ["`https://abc.supabase.co`,", "https://abc.supabase.co/"],
  ["export SUPABASE_URL=https://abc.supabase.co", "https://abc.supabase.co/"],
  ["export SUPABASE_URL=abc.supabase.co", "https://abc.supabase.co/"],
  ["VITE_SUPABASE_URL: https://abc.supabase.co", "https://abc.supabase.co/"],
  ["SUPABASE_URL = 'https://abc.supabase.co'", "https://abc.supabase.co/"],
  ["supabaseUrl: 'https://abc.supabase.co',", "https://abc.supabase.co/"],
  [":8000", "http://localhost:8000/"],
  ["8000", "http://localhost:8000/"],
  ["::1", "http://[::1]/"],
];

/** Addresses at which there is no project, and what is asked for instead. */
const OTHERS: [address: string, says: RegExp][] = [
  ["https://supabase.com/dashboard/org/abc", /names no project/],
  ["https://supabase.com/dashboard/project/_/settings/api", /names no project/],
  ["aws-0-eu-central-1.pooler.supabase.com", /pooler.*--db/],
  ["jdbc:postgresql://db/postgres?user=me&password=hunter22", /--db/],
  ["psql 'postgres://me:hunter22@db/postgres'", /--db/],
  ["redis://me:hunter22@db", /wants an http/],
  ["undefined/realtime/v1/websocket?apikey=hunter22", /a variable that is not set/],
  ["https://undefined", /a variable that is not set/],
  ["$NEXT_PUBLIC_SUPABASE_URL", /a variable that is not set/],
  ["${SUPABASE_URL}/realtime/v1", /a variable that is not set/],
  ["https://your-project.supabase.co", /a template's words/],
  ["https://<project-ref>.supabase.co", /a template's words/],
  ["https://[YOUR-REF].supabase.co/", /a template's words/],
];

Deno.test("an address is understood as people have it", () => {
  for (const [address, project] of ADDRESSES) assert.equal(urlOf(address), project, address);
});

Deno.test("where there is no project, it is said what to give", () => {
  for (const [address, says] of OTHERS) {
    assert.throws(() => readOptions([address], {}), (error) => {
      assert.ok(error instanceof UsageError, address);
      assert.match(error.message, says, address);
      return !error.message.includes("hunter22");
    }, address);
  }
});

Deno.test("a function's own host is the project's path for it", () => {
  const options = readOptions([`https://${REF}.functions.supabase.co/relay`], {});
  assert.equal(
    options !== "help" && options.url.href,
    `https://${REF}.supabase.co/functions/v1/relay`,
  );
});

Deno.test("a database's address in the URL's place is asked back, and not repeated", () => {
  assert.throws(() => readOptions(["postgres://me:hunter22@db:5432/postgres"], {}), (error) => {
    assert.ok(error instanceof UsageError);
    assert.match(error.message, /--db/);
    return !error.message.includes("hunter22");
  });
});

Deno.test("a path behind two slashes is one of the host that is named", async () => {
  const upstream = startUpstream({ onSocket: agree });
  try {
    for (const path of ["/realtime/v1", "/functions/v1/relay"]) {
      const { socket } = await diagnose([`${upstream.url}/${path}`, "--wait", "1", "--quick"]);
      assert.equal(socket, `${upstream.url}${path}/websocket`);
    }
  } finally {
    await upstream.stop();
  }
});

Deno.test("a page's project behind two slashes is one of the host that it names", () => {
  const project = projectUrl(new URL("https://abc.supabase.co//[x"));
  assert.equal(project.href, "https://abc.supabase.co/[x/");
});

Deno.test("a redirect to a path behind two slashes is followed up at the host that it names", async () => {
  const upstream = startUpstream({
    refuse: (request) => Response.redirect(`${new URL(request.url).origin}//`, 301),
    onRequest: (request) => Response.redirect(`${new URL(request.url).origin}//`, 301),
  });
  try {
    const result = await diagnose([`${upstream.url}/realtime/v1`, "--wait", "1", "--quick"]);
    assert.deepEqual(result.findings.map(({ id }) => id), ["redirect_circle"], sawAll(result));
  } finally {
    await upstream.stop();
  }
});

Deno.test("a name below localhost is this machine, for every question that is asked", async () => {
  const upstream = startUpstream({ onSocket: agree });
  try {
    const { port } = new URL(upstream.url);
    const args = [`x.localhost:${port}/realtime/v1`, "--key", await signAnonKey()];
    const result = await diagnose(args);
    assert.deepEqual(result.findings, [], sawAll(result));
    assert.match(sawAll(result), /a broadcast came back/);
    const hosts = upstream.requests.map((line) => new URL(line.split(" ")[1]).hostname);
    assert.deepEqual([...new Set(hosts)], ["x.localhost"]);
  } finally {
    await upstream.stop();
  }
});

const missing = findProxy("nginx") ? "" : " (skipped: nginx is not installed)";

Deno.test("a page at a path of its own, which names its project by a path alone, is read there", async () => {
  const upstream = startUpstream({
    onSocket: agree,
    onRequest: (request) => {
      const { pathname } = new URL(request.url);
      const is = (type: string) => ({ headers: { "content-type": type } });
      if (pathname === "/app/start.html") {
        return new Response('<!doctype html><script src="main.js"></script>', is("text/html"));
      }
      if (pathname === "/app/main.js") {
        return new Response('const base="/api/supabase/";', is("text/javascript"));
      }
      if (pathname === "/api/supabase/auth/v1/health") return Response.json({ name: "GoTrue" });
      return new Response(null, { status: 404 });
    },
  });
  try {
    const args = [`${upstream.url}/app/start.html`, "--key", await signAnonKey(), "--wait", "1"];
    const { socket } = await diagnose(args);
    assert.equal(socket, `${upstream.url}/api/supabase/realtime/v1/websocket`);
  } finally {
    await upstream.stop();
  }
});

/** A site with its page at /, whose fourteenth script holds the address, and all else below a prefix. */
async function withSite(work: (site: string, token: string) => Promise<void>): Promise<void> {
  const { jwk, sign } = await keyPair("today");
  const upstream = startUpstream({
    onSocket: agree,
    onRequest(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/auth/v1/health") return Response.json({ name: "GoTrue" });
      if (pathname.endsWith("/jwks.json")) return Response.json({ keys: [jwk] });
      return new Response(null, { status: 404 });
    },
  });
  const scripts = Array.from({ length: 16 }, (_, n) => `<script src="/${n}.js"></script>`);
  const proxy = await startProxy(
    "nginx",
    nginx(`${NGINX_UPGRADE}
    location /supabase/ { proxy_pass ${upstream.url}/; }
    location = / { default_type text/html; return 200 '<!doctype html>${scripts.join("")}'; }
    location = /13.js {
      default_type text/javascript;
      return 200 'const u="http://$http_host/supabase",k="${await signAnonKey()}";f(u,k)';
    }
    location ~ js$ { default_type text/javascript; return 200 'nothing()'; }
    location / { return 404; }`),
  );
  try {
    await work(proxy.url, await sign());
  } finally {
    await proxy.stop();
    await upstream.stop();
  }
}

Deno.test({
  name: `everything below a prefix is found there, by the page and by its own address${missing}`,
  ignore: missing !== "",
  fn: () =>
    withSite(async (site, token) => {
      for (const url of [site, `${site}/`, `${site}/supabase`, `${site}/supabase/rest/v1/`]) {
        const result = await diagnose([url, "--key", await signAnonKey(), "--token", token]);
        assert.deepEqual(result.findings, [], `${url}\n${sawAll(result)}`);
        // The token's key is asked for below the prefix as well.
        assert.match(sawAll(result), /JWKS holds the token's kid today/);
        assert.match(sawAll(result), /101 at \S+\/supabase\/realtime\/v1\/websocket/);
      }
    }),
});
