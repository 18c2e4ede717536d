import assert from "node:assert/strict";
import { ask, KEYS, withGateway } from "./support/gateway.ts";

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

Deno.test("an answer allows its origin once, also where the part behind allows it too", () =>
  withGateway(
    async ({ url }) => {
      for (const path of ["/rest/v1/links", "/realtime/v1/api/broadcast", "/functions/v1/relay"]) {
        const answer = await fetch(url + path, { headers: { apikey: KEYS.publishableKey } });
        const isFunction = path.startsWith("/functions");
        const allowed = answer.headers.get("access-control-allow-origin");
        assert.equal(allowed, isFunction ? "https://page.example" : "*", path);
        await answer.body?.cancel();
      }
    },
    () => new Response("", { headers: { "access-control-allow-origin": "https://page.example" } }),
  ));
