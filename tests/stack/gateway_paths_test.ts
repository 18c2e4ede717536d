import assert from "node:assert/strict";
import { KEYS, withGateway } from "./support/gateway.ts";

/** Spellings of what leads elsewhere, and names that they could lead to. */
const PARTS = [
  ...["..", ".", "%2e%2e", "%2E.", ".%2e", "%252e%252e", "..%2f", "%2f..", "..%5c", "%5c..", ""],
  ...[
    "\\..\\",
    "..\\",
    "..;",
    "#",
    "%00",
    "admin",
    "users",
    "rest",
    "v1",
    ".well-known",
    "jwks.json",
  ],
];
const BELOW = ["/auth/v1/.well-known/", "/auth/v1/", "/realtime/v1/api/"];
/** What Auth answers to a browser without a key. */
const OPEN = /^\/auth\/v1\/(?:verify|callback|authorize|\.well-known\/[\w.-]+)$/;

/** The status of a request that is sent as it stands. */
async function send(url: string, path: string, headers: Record<string, string> = {}) {
  const { hostname, port, host } = new URL(url);
  const line = await Deno.connect({ hostname, port: Number(port) });
  const fields = Object.entries({ host, connection: "close", ...headers });
  const head = [`GET ${path} HTTP/1.1`, ...fields.map((field) => field.join(": "))].join("\r\n");
  await line.write(new TextEncoder().encode(`${head}\r\n\r\n`));
  const answer = await new Response(line.readable).text();
  return Number(answer.split(" ")[1]);
}

/** Sends each path, and returns as which paths they arrived, as whoever is behind reads them. */
async function arrivals(paths: string[], headers: Record<string, string> = {}): Promise<string[]> {
  const asked: string[] = [];
  const handler = (request: Request) => {
    asked.push(new URL(request.url).pathname);
    return new Response();
  };
  await withGateway(async ({ url }) => {
    for (const path of paths) {
      const status = await send(url, path, headers);
      assert.ok([200, 400, 401, 404].includes(status), `${status} for ${path}`);
    }
  }, handler);
  return asked;
}

const paths = BELOW.flatMap((below) =>
  PARTS.flatMap((one) => PARTS.flatMap((two) => [`${below}${one}/${two}`, `${below}${one}${two}`]))
);

Deno.test("no spelling of a path reaches what the gateway hides from who has no key", async () => {
  const asked = await arrivals(paths, { authorization: "Bearer user.token" });
  assert.ok(asked.includes("/auth/v1/.well-known/jwks.json"));
  const wrong = asked.filter((path) => !OPEN.test(path) && !path.startsWith("/api/"));
  assert.deepEqual(wrong, []);
});

Deno.test("no spelling of a path reaches more than REST, Auth and Realtime's API with a key", async () => {
  const asked = await arrivals(paths, { apikey: KEYS.publishableKey });
  assert.ok(asked.includes("/auth/v1/admin/users"));
  const wrong = asked.filter((path) => !/^\/(?:auth\/v1|rest\/v1|api)(?:\/|$)/.test(path));
  assert.deepEqual(wrong, []);
  assert.deepEqual(asked.filter((path) => /^\/(?:auth|rest).*(?:%2f|%5c|%00)/i.test(path)), []);
});

Deno.test("a slash in the name of a topic is the topic's", async () => {
  const path = "/api/broadcast/a%2Fb/events/c%5Cd";
  assert.deepEqual(await arrivals([`/realtime/v1${path}`]), [path]);
});

Deno.test("a Host that is more than a host leads nowhere", async () => {
  for (const host of ["x/auth/v1/admin/users?", "x/auth/v1/admin#", "a b", "x\\y", "a@b", ""]) {
    assert.deepEqual(await arrivals(["/auth/v1/verify", "/", "/realtime/v1/api/x"], { host }), []);
  }
  const hosts = ["localhost", "a-b.c_d.example:80", "[::1]:8000", "127.0.0.1"];
  for (const host of hosts) {
    assert.deepEqual(await arrivals(["/auth/v1/verify"], { host }), ["/auth/v1/verify"]);
  }
});

Deno.test("an upgrade by HTTP/1.0 to Realtime is refused in Realtime's words", () =>
  withGateway(async ({ url }) => {
    for (const upgrade of ["upgrade: websocket\r\n", "upgrade: websocket, h2c\r\n"]) {
      const line = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) });
      const head = "GET /realtime/v1/websocket HTTP/1.0\r\nhost: a\r\nconnection: Upgrade\r\n";
      await line.write(new TextEncoder().encode(`${head}${upgrade}\r\n`));
      const answer = await new Response(line.readable).text();
      assert.match(answer, /^HTTP\/1\.1 400 [^]*\r\n\r\nHTTP version HTTP\/1\.0 unsupported$/);
    }
  }));
