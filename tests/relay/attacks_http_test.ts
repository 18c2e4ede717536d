import assert from "node:assert/strict";
import { assertPostRefused, assertRefused, record } from "../support/attack.ts";
import { testOnNewest } from "../support/relay_host.ts";
import { withRelay } from "../support/served_relay.ts";
import { inSeconds, PUBLISHABLE_KEY, SECRET_KEY, sign } from "../support/tokens.ts";
import { Wire } from "../support/wire.ts";

const POLICY = JSON.stringify({ authenticated: { topics: ["room:*"] } });
const bearer = { authorization: `Bearer ${await sign()}` };
const message = (changes: Record<string, unknown> = {}) => ({
  topic: "room:a",
  event: "e",
  payload: {},
  ...changes,
});
const list = (...messages: unknown[]) => JSON.stringify({ messages });

/** Paths of one event whose topic is not `room:…`, however it is written. */
const FORBIDDEN_PATHS = [
  "secret/events/e",
  "%73ecret/events/e",
  "room/events/e",
  "ROOM:a/events/e",
  "%20room:a/events/e",
  "..%2froom:a/events/e",
  "%2e%2e%2fsecret/events/e",
  "..%2f..%2fapi%2ftenants/events/e",
  "%2e%2e%5c%2e%2e%5croom:a/events/e",
  "%252e%252e/events/e",
  "realtime:room:a/events/e",
  "__proto__/events/e",
  "%00room:a/events/e",
];

testOnNewest("no HTTP broadcast reaches a topic that is not allowed", async (host, context) => {
  const recorder = record();
  await withRelay(host, { ...recorder, env: { RELAY_POLICY: POLICY } }, async ({ relay }) => {
    for (const path of FORBIDDEN_PATHS) {
      await context.step(`path ${path}`, () =>
        assertPostRefused(relay.address, "topic_forbidden", {
          path: `/api/broadcast/${path}`,
          headers: bearer,
        }));
    }
    const bodies: [string, string][] = [
      ["one forbidden among good ones", list(message(), message({ topic: "secret" }))],
      ["a prefix that the other form has", list(message({ topic: "realtime:room:a" }))],
      ["duplicate topic", '{"messages":[{"topic":"secret","topic":"room:a","event":"e"}]}'],
      [
        "duplicate messages",
        `{"messages":[{"topic":"secret"}],"messages":[${JSON.stringify(message())}]}`,
      ],
      ["an escaped topic", '{"messages":[{"topic":"\\u0073ecret","event":"e","payload":{}}]}'],
      ["the name of a prototype", list(message({ topic: "constructor" }))],
    ];
    for (const [name, body] of bodies) {
      await context.step(
        name,
        () => assertPostRefused(relay.address, "topic_forbidden", { headers: bearer, body }),
      );
    }
    assert.equal(recorder.posts.length, 0);
  });
});

testOnNewest("dots and slashes of a path never reach another path of Realtime", async (host) => {
  const recorder = record();
  await withRelay(host, recorder, async ({ relay }) => {
    const paths = [
      ...[
        "..%2f..%2fapi%2ftenants/events/e",
        "%2e%2e/events/%2e%2e",
        "a/events/..%2f..",
        "%2e/events/e",
      ],
      ...["a%2fevents%2fb/events/e", "a%3fapikey=x/events/e", "a%23/events/e", "..;/events/e"],
      ...["../../tenants/events/e", "a/events/../../../tenants", "%00/events/%0d%0ahost:evil"],
    ];
    for (const path of paths) {
      using wire = await Wire.to(`http://${relay.address}`);
      const head = [
        `POST /relay/api/broadcast/${path} HTTP/1.1`,
        `Host: ${relay.address}`,
        `Authorization: ${bearer.authorization}`,
        ...["Content-Type: application/json", "Content-Length: 2", "Connection: close"],
      ];
      await wire.send(`${head.join("\r\n")}\r\n\r\n{}`);
      assert.match(await wire.until("\r\n"), /^HTTP\/1.1 (202|400|404|405) /, path);
    }
    assert.ok(recorder.posts.length > 0, "the paths that are names do arrive");
    for (const { path } of recorder.posts) {
      assert.match(path, /^\/realtime\/v1\/api\/broadcast\/[^/?#]+\/events\/[^/?#]+$/);
      for (const part of path.split("/")) assert.doesNotMatch(part, /^(\.|%2e)+$/i);
    }
  });
});

testOnNewest(
  "what was judged as JSON arrives as JSON, whatever the client calls it",
  async (host) => {
    const recorder = record();
    await withRelay(host, { ...recorder, env: { RELAY_POLICY: POLICY } }, async ({ relay }) => {
      // Realtime parses by the content-type: as a form, this payload would be a second list.
      const payload = {
        x: "&messages[][topic]=secret&messages[][event]=e&messages[][payload][a]=1&",
      };
      for (
        const type of [
          "application/x-www-form-urlencoded",
          "multipart/form-data; boundary=x",
          "application/json, application/x-www-form-urlencoded",
          "text/plain",
          "",
        ]
      ) {
        const response = await fetch(`http://${relay.address}/relay/api/broadcast`, {
          method: "POST",
          headers: { ...bearer, "content-type": type, "x-http-method-override": "DELETE" },
          body: list(message({ payload })),
        });
        assert.equal(response.status, 202);
        await response.body?.cancel();
      }
      assert.equal(recorder.posts.length, 5);
      for (const { headers, body } of recorder.posts) {
        assert.equal(headers.get("content-type"), "application/json");
        assert.equal(headers.get("x-http-method-override"), null);
        assert.deepEqual(JSON.parse(body), { messages: [message({ payload, private: false })] });
      }
    });
  },
);

testOnNewest(
  "a hostile body is refused in words, and costs nobody anything",
  async (host, context) => {
    const recorder = record();
    await withRelay(host, recorder, async ({ relay }) => {
      const bodies: [string, string][] = [
        ["messages that are no list", '{"messages":{"length":1,"0":{"topic":"a"}}}'],
        ["messages that are no objects", '{"messages":[null,1,"a",[]]}'],
        ["the name of a prototype as key", '{"__proto__":{"messages":[{"topic":"a"}]}}'],
        ["a topic in the prototype", '{"messages":[{"__proto__":{"topic":"a"}}]}'],
      ];
      for (const [name, body] of bodies) {
        await context.step(
          name,
          () => assertPostRefused(relay.address, "bad_request", { headers: bearer, body }),
        );
      }
      assert.equal(recorder.posts.length, 0);
    });
  },
);

testOnNewest("a secret key is refused in every place of a request", async (host, context) => {
  await withRelay(host, record(), async ({ relay, upstream, urlWith }) => {
    const base = `ws://${relay.address}/relay?vsn=2.0.0`;
    const url = urlWith(await sign());
    const phoenix = `base64url.bearer.phx.${btoa(SECRET_KEY).replace(/=+$/, "")}`;
    const serviceRole = await sign({ role: "service_role", exp: inSeconds(-60) }, "nobody's");
    const places: Record<string, [string, Parameters<typeof assertRefused>[2]]> = {
      "query jwt": [`${base}&jwt=${SECRET_KEY}`, {}],
      "query apikey": [`${url}&apikey=${SECRET_KEY}`, {}],
      "the second apikey": [`${url}&apikey=${PUBLISHABLE_KEY}&apikey=${SECRET_KEY}`, {}],
      "header apikey": [url, { headers: { apikey: SECRET_KEY } }],
      "header x-api-key": [url, { headers: { "x-api-key": SECRET_KEY } }],
      "header authorization": [url, { headers: { authorization: `Bearer ${SECRET_KEY}` } }],
      "subprotocol jwt-": [url, { protocols: ["realtime-relay.v1", `jwt-${SECRET_KEY}`] }],
      "subprotocol of phoenix.js": [url, { protocols: ["phoenix", phoenix] }],
      "header apikey twice": [url, { headers: { apikey: `${PUBLISHABLE_KEY}, ${SECRET_KEY}` } }],
      "header apikey with a scheme": [url, { headers: { apikey: `Bearer ${SECRET_KEY}` } }],
      "header authorization without a scheme": [url, { headers: { authorization: SECRET_KEY } }],
      "query access_token": [`${url}&access_token=${SECRET_KEY}`, {}],
      "the 21st subprotocol": [url, {
        protocols: [...Array.from({ length: 20 }, (_, n) => `a${n}`), `jwt-${SECRET_KEY}`],
      }],
      "a service_role token, forged and expired": [`${url}&apikey=${serviceRole}`, {}],
    };
    for (const [name, [url, options]] of Object.entries(places)) {
      await context.step(name, () => assertRefused(url, "secret_key", options));
    }
    await context.step("an HTTP broadcast", async () => {
      for (const headers of [{ ...bearer, apikey: SECRET_KEY }, { apikey: serviceRole }]) {
        await assertPostRefused(relay.address, "secret_key", { headers });
      }
    });
    assert.deepEqual(upstream.requests, []);
  });
});
