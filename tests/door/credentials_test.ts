import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect, type ConnectOptions } from "../support/client.ts";
import { testOnNewest } from "../support/relay_host.ts";
import { anonKey, withRelay } from "../support/served_relay.ts";
import { inSeconds, PUBLISHABLE_KEY, SECRET_KEY, sign, unsigned } from "../support/tokens.ts";

const PATH = "/functions/v1/relay/websocket?vsn=2.0.0";
const phoenixEntry = (token: string) => `base64url.bearer.phx.${btoa(token).replace(/=+$/, "")}`;

/** A way to bring a credential: options of the socket, and what is added to the query. */
type Carrier = ConnectOptions & { query?: string };

const carriers: Record<string, (token: string) => Carrier> = {
  "query jwt": (token) => ({ query: `&jwt=${token}` }),
  "query apikey": (token) => ({ query: `&apikey=${token}` }),
  "subprotocol jwt-": (token) => ({ protocols: [`jwt-${token}`] }),
  "subprotocol jwt- behind the public one": (token) => ({
    protocols: ["realtime-relay.v1", `jwt-${token}`],
  }),
  "subprotocol of phoenix.js": (token) => ({ protocols: ["phoenix", phoenixEntry(token)] }),
  "bearer header": (token) => ({ headers: { authorization: `Bearer ${token}` } }),
};

/** What is answered as subprotocol, by carrier. */
const answered = (carrier: Carrier) =>
  carrier.protocols?.find((name) => name === "realtime-relay.v1" || name === "phoenix") ??
    carrier.protocols?.[0] ?? "";

testOnNewest("each token form opens a socket", async (host) => {
  await withRelay(host, {}, async ({ relay, upstream }) => {
    const token = await sign();
    for (const [name, carry] of Object.entries(carriers)) {
      const carrier = carry(token);
      const client = connect(`ws://${relay.address}${PATH}${carrier.query ?? ""}`, carrier);
      assert.equal(await client.opened, answered(carrier), name);
      client.socket.close();
      await client.closed;
    }
    assert.equal(upstream.dials(), Object.keys(carriers).length);
    const [first] = upstream.requests;
    const query = new URL(first.split(" ")[1]).searchParams;
    assert.deepEqual([...query.keys()].sort(), ["apikey", "vsn"]);
    assert.equal(query.get("apikey"), PUBLISHABLE_KEY);
  });
});

testOnNewest("headers that gateways add count as absent", async (host) => {
  await withRelay(host, {}, async ({ relay }) => {
    const token = await sign();
    for (const value of ["", "Basic abc", "Bearer ", `Bearer sb_x`, `Bearer ${anonKey}`]) {
      const headers = { authorization: value };
      const client = connect(`ws://${relay.address}${PATH}&jwt=${token}`, { headers });
      await client.opened;
      client.socket.close();
      await client.closed;
    }
  });
});

testOnNewest("a public key lets an anonymous viewer in where that is allowed", async (host) => {
  await withRelay(host, { env: { RELAY_ANONYMOUS: "allow" } }, async ({ relay, upstream }) => {
    const keys = [PUBLISHABLE_KEY, anonKey];
    for (const key of keys) {
      for (const carry of [carriers["query apikey"], carriers["subprotocol jwt-"]]) {
        const carrier = carry(key);
        const client = connect(`ws://${relay.address}${PATH}${carrier.query ?? ""}`, carrier);
        await client.opened;
        client.socket.close();
        await client.closed;
      }
    }
    assert.equal(upstream.dials(), 0, "who has joined nothing needs no socket upstream");
  });
});

/** Credentials that must be refused: name, code, HTTP status, close code, carrier. */
async function refused(): Promise<[string, string, number, number, Carrier][]> {
  const good = await sign();
  const bob = await sign({ sub: "b0b" });
  const query = (token: string): Carrier => ({ query: `&jwt=${token}` });
  const bad = (changes: Record<string, unknown>) => sign(changes).then(query);
  const [header, claims, signature] = good.split(".");
  return [
    ["no token", "token_missing", 401, 4401, {}],
    ["garbage", "token_malformed", 401, 4401, query("garbage")],
    ["an empty token", "token_malformed", 401, 4401, query("")],
    ["a token that is not JSON", "token_malformed", 401, 4401, query(`${header}.abc.${signature}`)],
    ["a phoenix entry that is not base64", "token_malformed", 401, 4401, {
      protocols: ["phoenix", "base64url.bearer.phx.!"],
    }],
    ["wrong signature", "token_signature", 401, 4401, query(await sign({}, "another-secret"))],
    [
      "altered claims",
      "token_signature",
      401,
      4401,
      query(
        `${header}.${
          btoa(JSON.stringify({ ...JSON.parse(atob(claims)), sub: "b0b" })).replace(/=+$/, "")
        }.${signature}`,
      ),
    ],
    ["alg none", "token_algorithm", 401, 4401, query(unsigned())],
    ["expired", "token_expired", 401, 4401, await bad({ exp: inSeconds(-1) })],
    ["no role", "token_claims", 401, 4401, await bad({ role: undefined })],
    ["no exp", "token_claims", 401, 4401, await bad({ exp: undefined })],
    ["exp as text", "token_claims", 401, 4401, await bad({ exp: "4000000000" })],
    ["not yet valid", "token_early", 401, 4401, await bad({ nbf: inSeconds(60) })],
    ["wrong audience", "token_audience", 401, 4401, await bad({ aud: "others" })],
    ["no audience", "token_audience", 401, 4401, await bad({ aud: undefined })],
    ["two tokens", "two_tokens", 409, 4409, { ...query(good), protocols: [`jwt-${bob}`] }],
    ["a good token and a bad one", "two_tokens", 409, 4409, {
      ...query(good),
      protocols: ["jwt-bad"],
    }],
    ["publishable key", "anonymous_refused", 401, 4401, { query: `&apikey=${PUBLISHABLE_KEY}` }],
    ["anon key", "anonymous_refused", 401, 4401, query(anonKey)],
    ["unknown publishable key", "key_unknown", 401, 4401, { query: "&apikey=sb_publishable_no" }],
    ["secret key", "secret_key", 403, 4403, { query: `&apikey=${SECRET_KEY}` }],
    ["secret key beside a token", "secret_key", 403, 4403, {
      query: `&jwt=${good}&apikey=${SECRET_KEY}`,
    }],
    ["secret key as bearer", "secret_key", 403, 4403, {
      headers: { authorization: `Bearer ${SECRET_KEY}` },
    }],
    ["service_role token", "secret_key", 403, 4403, await bad({ role: "service_role" })],
    ["unknown vsn", "vsn_unsupported", 400, 4400, { query: `&jwt=${good}&vsn=9.9.9` }],
  ];
}

testOnNewest("a refused credential is told why, on GET and on the socket", async (host) => {
  const env = { RELAY_ANONYMOUS: "refuse" };
  await withRelay(host, { env }, async ({ relay, upstream }) => {
    for (const [name, code, status, closeCode, carrier] of await refused()) {
      // The first vsn in a query counts.
      const path = code === "vsn_unsupported" ? "/relay?" : PATH;
      const url = `${relay.address}${path}${carrier.query ?? ""}`;
      const client = connect(`ws://${url}`, carrier);
      const { code: closed, reason } = await client.closed;
      assert.equal(closed, closeCode, name);
      assert.ok(reason.startsWith(`${code}: `), `${name}: ${reason}`);
      const headers: Record<string, string> = { ...carrier.headers };
      if (carrier.protocols) headers["sec-websocket-protocol"] = carrier.protocols.join(", ");
      const verdict = await fetch(`http://${url}`, { headers });
      const body = await verdict.json();
      assert.deepEqual([verdict.status, body.code], [status, code], name);
      assert.ok(body.message && body.advice && body.docs.endsWith(`#${code}`), name);
    }
    assert.equal(upstream.dials(), 0, "upstream was dialled");
  });
});

testOnNewest("a GET with a good token says that only the upgrade is missing", async (host) => {
  await withRelay(host, {}, async ({ relay, upstream }) => {
    const verdict = await fetch(`http://${relay.address}/relay?jwt=${await sign()}`);
    const { code, checks } = await verdict.json();
    assert.deepEqual([verdict.status, code], [426, "upgrade_required"]);
    assert.deepEqual(checks, { hs256: "secret", asymmetric: "the project's JWKS" });
    assert.equal(upstream.requests.length, 0);
  });
});

testOnNewest("a refused socket answers joins in its own vsn before it closes", async (host) => {
  await withRelay(host, { env: { RELAY_REFUSAL_DELAY_MS: "60000" } }, async ({ relay }) => {
    const two = connect(`ws://${relay.address}${PATH}`);
    await two.opened;
    two.send("noise");
    two.send('["1","2","realtime:a","phx_join",{"config":{}}]');
    const [joinRef, ref, topic, event, payload] = JSON.parse(await two.next() as string);
    assert.deepEqual([joinRef, ref, topic, event], ["1", "2", "realtime:a", "phx_reply"]);
    assert.equal(payload.status, "error");
    assert.match(payload.response.reason, /^token_missing: /);
    const one = connect(`ws://${relay.address}/relay`);
    await one.opened;
    one.send('{"topic":"realtime:a","event":"phx_join","payload":{},"ref":"7","join_ref":"7"}');
    const reply = JSON.parse(await one.next() as string);
    assert.deepEqual(Object.keys(reply), ["ref", "event", "topic", "payload"]);
    assert.deepEqual([reply.ref, reply.payload.status], ["7", "error"]);
    for (const { socket } of [one, two]) socket.close();
    await Promise.all([one.closed, two.closed]);
  });
});

testOnNewest("refusals that would wait beyond the bound are plain HTTP", async (host) => {
  const env = { RELAY_REFUSAL_DELAY_MS: "60000", RELAY_REFUSAL_MAX: "1" };
  await withRelay(host, { env }, async ({ relay }) => {
    const first = connect(`ws://${relay.address}${PATH}`);
    await first.opened;
    const second = connect(`ws://${relay.address}${PATH}`);
    await assert.rejects(second.opened);
    first.socket.close();
    await first.closed;
  });
});

testOnNewest("a subprotocol list without spaces is served or cleanly refused", async (host) => {
  await withRelay(host, {}, async ({ relay }) => {
    const response = await rawUpgrade(relay.address, `realtime-relay.v1,jwt-${await sign()}`);
    if (host.name === "Deno 2.1.4") assert.match(response, /^HTTP\/1.1 400 /);
    else {
      assert.match(response, /^HTTP\/1.1 101 /);
      assert.match(response, /sec-websocket-protocol: realtime-relay\.v1\r\n/i);
    }
    assert.equal((await fetch(`http://${relay.address}/relay/health`)).status, 200);
  });
});

testOnNewest("a Connection that only looks like an upgrade is refused in words", async (host) => {
  await withRelay(host, {}, async ({ relay, upstream }) => {
    for (const connection of ["\u00a0Upgrade", "Upgrade\u00a0", "\u00a0, \u00a0upgrade"]) {
      const protocols = `jwt-${await sign()}`;
      const response = await rawUpgrade(relay.address, protocols, connection);
      assert.match(response, /^HTTP\/1.1 400 /, JSON.stringify(connection));
    }
    assert.equal(upstream.dials(), 0);
    const upgraded = await rawUpgrade(relay.address, "phoenix", "keep-alive \t,\t upgrade ,x");
    assert.match(upgraded, /^HTTP\/1.1 101 /);
  });
});

/** Sends an upgrade byte by byte as written here, and returns the head of the answer. */
async function rawUpgrade(
  address: string,
  protocols: string,
  option = "Upgrade",
): Promise<string> {
  const [hostname, port] = address.split(":");
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const head = [
    "GET /relay?vsn=2.0.0 HTTP/1.1",
    `Host: ${address}`,
    "Upgrade: websocket",
    `Connection: ${option}`,
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Protocol: ${protocols}`,
  ];
  await connection.write(Buffer.from(`${head.join("\r\n")}\r\n\r\n`, "latin1"));
  let text = "";
  for await (const chunk of connection.readable.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.includes("\r\n\r\n")) break;
  }
  return text;
}

testOnNewest("other paths and methods are refused in words", async (host) => {
  await withRelay(host, {}, async ({ relay }) => {
    const cases: [string, string, number, string][] = [
      ["GET", "/", 404, "not_found"],
      ["GET", `/relay/${await sign()}`, 404, "not_found"],
      ["DELETE", "/relay", 405, "method_not_allowed"],
      ["GET", "/relay/api/broadcast", 405, "method_not_allowed"],
      ["POST", "/relay/websocket", 405, "method_not_allowed"],
      ["POST", "/relay/api/broadcast/%ff/events/x", 400, "bad_request"],
    ];
    for (const [method, path, status, code] of cases) {
      const response = await fetch(`http://${relay.address}${path}`, { method });
      assert.deepEqual([response.status, (await response.json()).code], [status, code], path);
    }
    for (const path of ["/relay", "/relay/", "/any/prefix/relay/websocket"]) {
      const response = await fetch(`http://${relay.address}${path}`);
      assert.equal((await response.json()).code, "token_missing", path);
    }
  });
});

testOnNewest("CORS answers allowed origins and no others", async (host) => {
  const env = { RELAY_ORIGINS: "https://app.example.com,https://*.example.org" };
  await withRelay(host, { env }, async ({ relay, upstream }) => {
    const url = `http://${relay.address}/relay`;
    const ask = (origin: string, method = "GET") => fetch(url, { method, headers: { origin } });
    const allowed = await ask("https://app.example.com");
    assert.equal(allowed.headers.get("access-control-allow-origin"), "https://app.example.com");
    assert.match(allowed.headers.get("vary") ?? "", /origin/);
    assert.equal(allowed.headers.get("access-control-allow-credentials"), null);
    await allowed.body?.cancel();
    const preflight = await ask("https://a.example.org", "OPTIONS");
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers.get("access-control-allow-origin"), "https://a.example.org");
    const other = await ask("https://example.com.evil.test");
    assert.equal(other.headers.get("access-control-allow-origin"), null);
    await other.body?.cancel();
    const token = await sign();
    const forbidden = await fetch(`${url}?jwt=${token}`, {
      headers: { origin: "https://evil.test" },
    });
    assert.deepEqual([forbidden.status, (await forbidden.json()).code], [403, "origin_forbidden"]);
    const headers = { origin: "https://evil.test" };
    const client = connect(`ws://${relay.address}${PATH}&jwt=${token}`, { headers });
    assert.equal((await client.closed).code, 4403);
    assert.equal(upstream.dials(), 0);
  });
});
