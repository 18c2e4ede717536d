import assert from "node:assert/strict";
import { createRedirect } from "../../supabase/functions/redirect/redirect.ts";
import { testOnHosts } from "../support/relay_host.ts";
import { withFunction } from "./support/function.ts";

const long = "a".repeat(60_000);

const HOSTS = [
  ...["a b", "a%zz", "a:99999", "[::1", "u@", "a<b", "a|b", "a^b:x", `${long}:x`],
  ...["a/redirect/other?", "a?", "a#", "u@b", "a\\b", "a\\b c"],
];

/** Requests, byte for byte (a character is a byte), and which of the statuses answer them. */
const REQUESTS: [head: string, status: number[]][] = [
  ...HOSTS.map((
    host,
  ): [string, number[]] => [`GET /redirect/docs HTTP/1.1\r\nHost: ${host}`, [400]]),
  ["GET /redirect/docs HTTP/1.1\r\nHost:", [302, 400]],
  ["GET /redirect/docs HTTP/1.1\r\nHost: \xff\xfe", [302, 400]],
  ["GET /redirect/docs HTTP/1.1\r\nHost: a\r\nHost: b c", [302, 400]],
  ["GET http://a%zz/redirect/docs HTTP/1.1\r\nHost: a", [400]],
  ["GET http://a:99999/redirect/docs HTTP/1.1\r\nHost: a", [400]],
  ["GET //[/redirect/docs HTTP/1.1\r\nHost: a", [302]],
  ["GET * HTTP/1.1\r\nHost: a", [400]],
  ["OPTIONS * HTTP/1.1\r\nHost: a", [405]],
  ["CONNECT a:80 HTTP/1.1\r\nHost: a", [405]],
  ["TRACE /redirect/docs HTTP/1.1\r\nHost: a b", [405]],
  ["FOO /redirect/docs HTTP/1.1\r\nHost: a", [405]],
  ["GET /redirect/%ff HTTP/1.1\r\nHost: a", [404]],
  ["GET /redirect/\xff HTTP/1.1\r\nHost: a", [400, 404]],
  ["GET /redirect/%00 HTTP/1.1\r\nHost: a", [404]],
  ["GET /redirect/% HTTP/1.1\r\nHost: a", [404]],
  ["GET /redirect/%u0041 HTTP/1.1\r\nHost: a", [404]],
  [`GET /redirect/${long} HTTP/1.1\r\nHost: a`, [404]],
  [`GET ${"/redirect/".repeat(6000)} HTTP/1.1\r\nHost: a`, [404]],
  ["GET /redirect/docs HTTP/1.1\r\nHost: a\r\nReferer: http://[", [302]],
  ["GET /redirect/docs HTTP/1.1\r\nHost: a\r\nReferer: \xff\x80", [302]],
  [`GET /redirect/docs HTTP/1.1\r\nHost: a\r\nReferer: http://${long}`, [302]],
  [`GET /redirect/docs HTTP/1.1\r\nHost: a\r\nReferer: ${"http://x\r\nReferer: ".repeat(9)}`, [
    302,
  ]],
  [`GET /redirect/docs HTTP/1.1\r\nHost: a\r\nCF-IPCountry: ${long}`, [302]],
  ["GET /redirect/docs HTTP/1.1\r\nHost: a\r\nCF-IPCountry: \xff\r\nX-Country:", [302]],
  ["GET /redirect/docs HTTP/1.1\r\nHost: a\r\nUser-Agent: \xff\r\nSec-Purpose: \xff", [302]],
  ["GET /redirect/docs HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", [302]],
];

/** Writes the bytes of a request, and returns its answer: its status and its body. */
async function send(url: string, head: string): Promise<{ status: number; body: string }> {
  const { hostname, port } = new URL(url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const [lines, body = ""] = head.split("\r\n\r\n");
  const text = `${lines}\r\nConnection: close\r\n\r\n${body}`;
  const bytes = new Blob([Uint8Array.from(text, (character) => character.charCodeAt(0))]);
  await bytes.stream().pipeTo(connection.writable, { preventClose: true });
  const answer = await new Response(connection.readable).text();
  const [top, said = ""] = answer.split("\r\n\r\n");
  return { status: Number(top.match(/^HTTP\/1\.1 (\d{3}) /)?.[1]), body: said };
}

testOnHosts("whatever a request holds, its answer is clear, and no stack is told", async (host) => {
  await using project = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => Response.json("https://example.com/"),
  );
  const environment = {
    SUPABASE_URL: `http://127.0.0.1:${project.addr.port}`,
    SUPABASE_ANON_KEY: "sb_publishable_test",
  };
  const said = await withFunction(host, environment, async (url) => {
    for (const [head, statuses] of REQUESTS) {
      const { status, body } = await send(url, head);
      assert.ok(statuses.includes(status), `${head.slice(0, 80)}: ${status}`);
      // What Deno itself refuses has no body.
      assert.match(body, /^$|^[A-Z][\w ,']+\.\n$/, head.slice(0, 80));
    }
  });
  assert.equal(said, "");
});

Deno.test("a target and a Host that make no address are 400 in a sentence", async () => {
  const redirect = createRedirect({ open: () => Promise.resolve("https://example.com/") });
  const addresses = HOSTS.map((host) => [`http://${host}/redirect/docs`, host]);
  for (const [url, host] of [...addresses, ["*", "a"], ["", "a"]]) {
    // As Deno hands it over: its URL is not tidied up.
    const request = { method: "GET", url, headers: new Headers({ host }) } as Request;
    const response = await redirect(request);
    assert.equal(response.status, 400, url.slice(0, 80));
    assert.match(await response.text(), /^[A-Z].*\.\n$/);
  }
});
