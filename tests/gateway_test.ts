import assert from "node:assert/strict";
import { type Gateway, startGateway, type Targets } from "../tools/stack/gateway.ts";
import type { Keys } from "../tools/stack/keys.ts";
import { within } from "./support/realtime.ts";

const KEYS: Keys = {
  jwtSecret: "a-secret-that-the-gateway-itself-never-uses",
  anonKey: "eyJ.anon.key",
  serviceRoleKey: "eyJ.service.key",
  publishableKey: "sb_publishable_of_a_test",
  secretKey: "sb_secret_of_a_test",
  userPassword: "",
};

/** What a part behind the gateway was asked. */
interface Asked {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

async function note(request: Request): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const headers = Object.fromEntries(request.headers);
  const path = pathname + search;
  return Response.json({ method: request.method, path, headers, body: await request.text() });
}

/** A gateway in front of parts that answer with what they were asked. */
async function withGateway(
  work: (gateway: Gateway, targets: Targets) => Promise<void>,
  handler: (request: Request) => Response | Promise<Response> = note,
) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  const url = `http://127.0.0.1:${server.addr.port}`;
  const targets: Targets = {
    ...{ realtime: url, relay: url, redirect: url },
    api: async (request) => await handler(request),
  };
  const gateway = await startGateway({ port: 0, keys: KEYS, targets });
  try {
    await work(gateway, targets);
  } finally {
    await gateway.stop();
    await server.shutdown();
  }
}

async function ask(url: string, init?: RequestInit): Promise<Asked> {
  const response = await fetch(url, init);
  assert.equal(response.status, 200, `${response.status} for ${url}`);
  return await response.json();
}

const ROLES = [
  [KEYS.publishableKey, KEYS.anonKey],
  [KEYS.anonKey, KEYS.anonKey],
  [KEYS.secretKey, KEYS.serviceRoleKey],
  [KEYS.serviceRoleKey, KEYS.serviceRoleKey],
];

Deno.test("REST and Auth get the JWT that an API key stands for, from header or query", () =>
  withGateway(async ({ url }) => {
    for (const [key, token] of ROLES) {
      for (const path of ["/rest/v1/links", "/auth/v1/token"]) {
        const byHeader = await ask(`${url}${path}?a=1`, { headers: { apikey: key } });
        const byQuery = await ask(`${url}${path}?a=1&apikey=${key}`);
        for (const { path: asked, headers } of [byHeader, byQuery]) {
          assert.equal(asked, `${path}?a=1`);
          assert.equal(headers.apikey, token);
          assert.equal(headers.authorization, `Bearer ${token}`);
        }
      }
    }
  }));

Deno.test("a user's token stays, an API key in its place becomes the key's JWT", () =>
  withGateway(async ({ url }) => {
    const apikey = KEYS.publishableKey;
    for (const path of ["/rest/v1/links", "/realtime/v1/api/broadcast"]) {
      const headers = { apikey, authorization: "Bearer user.token" };
      const user = await ask(url + path, { headers });
      assert.equal(user.headers.authorization, "Bearer user.token");
      const nobody = await ask(url + path, {
        headers: { apikey, authorization: `Bearer ${apikey}` },
      });
      assert.equal(nobody.headers.authorization, `Bearer ${KEYS.anonKey}`);
    }
  }));

Deno.test("REST and Auth without a known key are refused with a hint", () =>
  withGateway(async ({ url }) => {
    for (const path of ["/rest/v1/links", "/auth/v1/user"]) {
      const missing = await fetch(url + path, { headers: { authorization: "Bearer user.token" } });
      assert.equal(missing.status, 401);
      assert.deepEqual(await missing.json(), {
        code: "UNAUTHORIZED_MISSING_API_KEY",
        message: "No API key found in request",
        hint: "No `apikey` request header or url param was found.",
      });
      const unknown = await fetch(url + path, { headers: { apikey: "sb_publishable_other" } });
      assert.equal(unknown.status, 401);
      const { code, hint } = await unknown.json();
      assert.equal(code, "UNAUTHORIZED_INVALID_API_KEY");
      assert.match(hint, /deno task dev/);
    }
  }));

Deno.test("Auth's pages that a browser opens from a mail need no key", () =>
  withGateway(async ({ url }) => {
    for (const page of ["verify", "callback", "authorize", ".well-known/jwks.json"]) {
      assert.equal((await ask(`${url}/auth/v1/${page}`)).path, `/auth/v1/${page}`);
    }
  }));

Deno.test("Realtime is called by its tenant's name, with keys swapped and all else untouched", () =>
  withGateway(async ({ url }) => {
    const rest = "vsn=2.0.0&x=%2F'%27+&apikey=unknown&x";
    const asked = await ask(
      `${url}/realtime/v1/api/broadcast?${rest}&apikey=${KEYS.publishableKey}`,
      { method: "POST", body: "{}", headers: { apikey: KEYS.secretKey } },
    );
    assert.equal(asked.headers.host, "realtime-dev.localhost");
    assert.equal(asked.headers.apikey, KEYS.serviceRoleKey);
    assert.equal(asked.body, "{}");
    // The test's own server reads the URL by the standard, which escapes the quote.
    const expected = rest.replace("'", "%27");
    assert.equal(asked.path, `/api/broadcast?${expected}&apikey=${KEYS.anonKey}`);
    const unknown = await ask(`${url}/realtime/v1/api/broadcast`, { headers: { apikey: "who?" } });
    assert.equal(unknown.headers.apikey, "who?", "Realtime judges keys itself");
  }));

Deno.test("functions are asked without their prefix, with everything else as it came", () =>
  withGateway(async ({ url }) => {
    const headers = {
      apikey: KEYS.secretKey,
      authorization: `Bearer ${KEYS.publishableKey}`,
      "x-forwarded-for": "192.0.2.1",
    };
    for (const path of ["/relay/health?a=%20b", "/redirect/docs"]) {
      const init = { method: "POST", body: "body", headers };
      const asked = await ask(`${url}/functions/v1${path}`, init);
      assert.equal(asked.path, path);
      assert.equal(asked.method, "POST");
      assert.equal(asked.body, "body");
      assert.equal(asked.headers.apikey, headers.apikey);
      assert.equal(asked.headers.authorization, headers.authorization);
      assert.equal(asked.headers["x-forwarded-for"], "192.0.2.1, 127.0.0.1");
      assert.equal(asked.headers["x-forwarded-proto"], "http");
      assert.equal(asked.headers["x-forwarded-host"], new URL(url).host);
    }
  }));

Deno.test("what is served nowhere is 404, and / says what there is", () =>
  withGateway(async ({ url }, targets) => {
    for (const path of ["/functions/v1/other", "/functions/v1", "/realtime/v1/api", "/nothing"]) {
      const response = await fetch(url + path);
      assert.equal(response.status, 404, path);
      await response.body?.cancel();
    }
    assert.match(await (await fetch(url)).text(), /\/functions\/v1\/relay/);
    targets.site = (request) => Promise.resolve(new Response(new URL(request.url).pathname));
    assert.equal(await (await fetch(`${url}/index.js`)).text(), "/index.js");
  }));

Deno.test("pages of any origin may call REST, Auth and Realtime; functions speak for themselves", () =>
  withGateway(async ({ url }) => {
    const origin = "https://page.example";
    for (const path of ["/rest/v1/links", "/auth/v1/token", "/realtime/v1/api/broadcast"]) {
      const question = await fetch(url + path, {
        method: "OPTIONS",
        headers: {
          origin,
          "access-control-request-method": "PATCH",
          "access-control-request-headers": "apikey,x-own",
        },
      });
      assert.equal(question.status, 204);
      assert.equal(question.headers.get("access-control-allow-origin"), "*");
      assert.match(question.headers.get("access-control-allow-methods")!, /\bPATCH\b/);
      assert.equal(question.headers.get("access-control-allow-headers"), "apikey,x-own");
      for (const apikey of [KEYS.publishableKey, "unknown"]) {
        const answer = await fetch(url + path, { headers: { origin, apikey } });
        assert.equal(answer.headers.get("access-control-allow-origin"), "*");
        assert.match(answer.headers.get("access-control-expose-headers")!, /content-range/);
        await answer.body?.cancel();
      }
    }
    const asked = await ask(`${url}/functions/v1/relay`, {
      method: "OPTIONS",
      headers: { origin },
    });
    assert.equal(asked.method, "OPTIONS");
  }));

Deno.test("an answer comes back as it was given, its repeated fields too", () =>
  withGateway(async ({ url }) => {
    for (const path of ["/functions/v1/redirect/x", "/rest/v1/links"]) {
      const response = await fetch(url + path, {
        redirect: "manual",
        headers: { apikey: KEYS.publishableKey },
      });
      assert.equal(response.status, 302);
      assert.equal(response.headers.get("location"), "https://example.com/");
      assert.deepEqual(response.headers.getSetCookie(), ["a=1", "b=2"]);
      assert.equal(await response.text(), "moved");
    }
  }, () => {
    const headers = new Headers({ location: "https://example.com/" });
    headers.append("set-cookie", "a=1");
    headers.append("set-cookie", "b=2");
    return new Response("moved", { status: 302, headers });
  }));

Deno.test("bodies are streamed both ways", async () => {
  // An echo: the second piece is only sent once the first has come back.
  await withGateway(async ({ url }) => {
    for (const path of ["/functions/v1/relay", "/rest/v1/links"]) {
      const { readable, writable } = new TransformStream<string, string>();
      const writer = writable.getWriter();
      const answering = fetch(url + path, {
        method: "POST",
        body: readable.pipeThrough(new TextEncoderStream()),
        headers: { apikey: KEYS.publishableKey },
      });
      await writer.write("one");
      const pieces = (await answering).body!.pipeThrough(new TextDecoderStream()).getReader();
      assert.deepEqual(await pieces.read(), { value: "one", done: false });
      await writer.write("two");
      assert.deepEqual(await pieces.read(), { value: "two", done: false });
      await writer.close();
      assert.equal((await pieces.read()).done, true);
    }
  }, (request) => new Response(request.body));
});

Deno.test("a part hears of it when its client leaves", async () => {
  let left: () => void;
  await withGateway(async ({ url }) => {
    for (const path of ["/functions/v1/relay", "/rest/v1/links"]) {
      const told = new Promise<void>((resolve) => left = resolve);
      const leave = new AbortController();
      const headers = { apikey: KEYS.publishableKey };
      const response = await fetch(url + path, { signal: leave.signal, headers });
      await response.body!.getReader().read();
      leave.abort();
      await within(told, `${path} is given up`);
    }
  }, () =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(new Uint8Array(1)),
        cancel: () => left(),
      }),
    ));
});

Deno.test("a part hears of it when its client leaves before there is an answer", async () => {
  let [arrived, left]: (() => void)[] = [];
  await withGateway(async ({ url }) => {
    for (const path of ["/functions/v1/relay", "/rest/v1/links"]) {
      const asked = new Promise<void>((resolve) => arrived = resolve);
      const told = new Promise<void>((resolve) => left = resolve);
      const leave = new AbortController();
      const headers = { apikey: KEYS.publishableKey };
      const answer = fetch(url + path, { signal: leave.signal, headers });
      await asked;
      leave.abort();
      await assert.rejects(answer, { name: "AbortError" });
      await within(told, `${path} is given up`);
    }
  }, ({ signal }) => {
    const gone = new Promise<Response>((resolve) =>
      signal.addEventListener("abort", () => {
        left();
        resolve(new Response());
      })
    );
    arrived();
    return gone;
  });
});

Deno.test("a part that is not there is 503, one that does not answer 502, and nothing crashes", () =>
  withGateway(async ({ url }, targets) => {
    const status = async (path: string) => {
      const response = await fetch(url + path, { headers: { apikey: KEYS.publishableKey } });
      const { code, message } = await response.json();
      assert.equal(typeof code, "string");
      assert.match(message, /^(The relay|REST) (is not running now|did not answer)$/);
      return response.status;
    };
    const { relay, api } = targets;
    targets.relay = targets.api = undefined;
    assert.equal(await status("/functions/v1/relay"), 503);
    assert.equal(await status("/rest/v1/links"), 503);
    const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    targets.relay = `http://127.0.0.1:${closed.addr.port}`;
    targets.api = () => Promise.reject(new Error("down"));
    closed.close();
    assert.equal(await status("/functions/v1/relay"), 502);
    assert.equal(await status("/rest/v1/links"), 502);
    Object.assign(targets, { relay, api });
    assert.equal((await ask(`${url}/functions/v1/relay`)).path, "/relay");
  }));

Deno.test("an offer to upgrade to anything but a WebSocket is passed over", () =>
  withGateway(async ({ url }) => {
    const connection = await Deno.connect({
      hostname: "127.0.0.1",
      port: Number(new URL(url).port),
    });
    await connection.write(new TextEncoder().encode(
      "GET /functions/v1/relay HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n" +
        "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
    ));
    const answer = new Uint8Array(4096);
    const text = new TextDecoder().decode(answer.subarray(0, (await connection.read(answer))!));
    assert.match(text, /^HTTP\/1\.1 200 /);
    connection.close();
  }));

Deno.test("a taken port is told at once, and freed by stop()", () =>
  withGateway(async (first) => {
    const port = Number(new URL(first.url).port);
    await assert.rejects(startGateway({ port, keys: KEYS, targets: {} }), { code: "EADDRINUSE" });
    await first.stop();
    const second = await startGateway({ port, keys: KEYS, targets: {} });
    assert.equal(second.url, first.url);
    await second.stop();
  }));
