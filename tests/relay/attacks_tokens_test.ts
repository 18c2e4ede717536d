import assert from "node:assert/strict";
import type { Code } from "../../supabase/functions/relay/errors.ts";
import { assertPostRefused, assertRefused, attack, record } from "../support/attack.ts";
import { connect } from "../support/client.ts";
import { testOnNewest } from "../support/relay_host.ts";
import { withRelay } from "../support/served_relay.ts";
import { expiring, forged, rsa, stranger } from "./support/forged_tokens.ts";
import { inSeconds, PUBLISHABLE_KEY, sign } from "../support/tokens.ts";

const good = await sign();

testOnNewest("no forged token gets in, or makes the relay ask anybody", async (host, context) => {
  const asked: string[] = [];
  const evil = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, ({ url }) => {
    asked.push(url);
    return Response.json({ keys: [stranger.jwk] });
  });
  const recorder = record(() => Response.json({ keys: [rsa.jwk] }));
  const env = { SUPABASE_JWKS: JSON.stringify({ keys: [rsa.jwk] }) };
  await withRelay(host, { ...recorder, env }, async ({ relay, upstream, urlWith }) => {
    for (const [name, token, code] of await forged(`http://127.0.0.1:${evil.addr.port}`)) {
      await context.step(name, async () => {
        await assertRefused(urlWith(encodeURIComponent(token)), code);
        if (token.includes("\n")) return;
        await assertPostRefused(relay.address, code, {
          headers: { authorization: `Bearer ${token}` },
        });
      });
    }
    assert.equal(upstream.dials(), 0);
    // One look at the project's own keys for the unknown ones; nothing else was asked.
    assert.deepEqual(recorder.posts.map(({ path }) => path), ["/auth/v1/.well-known/jwks.json"]);
    assert.deepEqual(asked, []);
  });
  await evil.shutdown();
});

testOnNewest(
  "200 forged tokens make the relay ask for keys once, also where there are none",
  async (host) => {
    const answers = [
      () => Response.json({ message: "no Route matched" }, { status: 404 }),
      () => new Response("<html>", { headers: { "content-type": "text/html" } }),
      () => new Response(null, { status: 503 }),
    ];
    const token = await stranger.sign();
    for (const answer of answers) {
      const recorder = record(answer);
      await withRelay(host, recorder, async ({ relay }) => {
        const url = `http://${relay.address}/relay?jwt=${token}`;
        for (let n = 0; n < 200; n += 20) {
          const verdicts = await Promise.all(Array.from({ length: 20 }, () => fetch(url)));
          for (const verdict of verdicts) {
            assert.equal((await verdict.json()).code, "auth_unavailable");
          }
        }
        assert.deepEqual(recorder.posts.map(({ path }) => path), [
          "/auth/v1/.well-known/jwks.json",
        ]);
      });
    }
  },
);

testOnNewest(
  "a token of another issuer or role is refused where that is set",
  async (host, context) => {
    const env = { RELAY_ISSUER: "https://abc.supabase.co/auth/v1", RELAY_ROLES: "authenticated" };
    await withRelay(host, { env }, async ({ upstream, urlWith }) => {
      const iss = env.RELAY_ISSUER;
      const rows: [string, Record<string, unknown>, Code][] = [
        ["another issuer", { iss: "https://abc.supabase.co.evil.test/auth/v1" }, "token_issuer"],
        ["no issuer", {}, "token_issuer"],
        ["a list of issuers", { iss: [iss] }, "token_issuer"],
        ["service_role is not named", { iss, role: "service_role" }, "secret_key"],
        ["another role", { iss, role: "editor" }, "role_forbidden"],
        ["the name of a prototype as role", { iss, role: "constructor" }, "role_forbidden"],
      ];
      for (const [name, changes, code] of rows) {
        await context.step(
          name,
          async () => await assertRefused(urlWith(await sign(changes)), code),
        );
      }
      assert.equal(upstream.dials(), 0);
    });
  },
);

testOnNewest("service_role gets in only by its name, and a secret key never", async (host) => {
  const env = { RELAY_ROLES: "service_role" };
  await withRelay(host, { env }, async ({ upstream, urlWith }) => {
    await assertRefused(urlWith("sb_secret_anything"), "secret_key");
    await assertRefused(urlWith(await sign()), "role_forbidden");
    assert.equal(upstream.dials(), 0);
    const client = connect(urlWith(await sign({ role: "service_role" })));
    await client.opened;
    client.socket.close();
    await client.closed;
    assert.ok(
      !upstream.requests.join().includes("eyJ"),
      "only the relay's own key goes by the URL",
    );
  });
});

testOnNewest("a token that expires in ages holds its socket open", async (host, context) => {
  await withRelay(host, record(), async ({ urlWith }) => {
    for (const exp of ["253402300799", "9007199254740993", "1e300"]) {
      await context.step(`exp ${exp}`, async () => {
        const client = connect(urlWith(await expiring(exp)));
        await client.opened;
        assert.deepEqual(await attack(client, "2.0.0", []), { refused: [] });
        client.socket.close();
        await client.closed;
      });
    }
  });
});

testOnNewest("one token counts once, wherever it stands, and two never", async (host, context) => {
  await withRelay(host, {}, async ({ relay, upstream, urlWith }) => {
    await context.step("the same token twice", async () => {
      const protocols = ["realtime-relay.v1", `jwt-${good}`];
      const client = connect(`${urlWith(good)}&jwt=%20${good}%0a`, { protocols });
      await client.opened;
      client.socket.close();
      await client.closed;
      assert.equal(upstream.dials(), 1);
    });
    const expired = await sign({ exp: inSeconds(-1) });
    await context.step("a good token hides no other", async () => {
      await assertRefused(`${urlWith(good)}&jwt=${expired}`, "two_tokens");
      await assertRefused(urlWith(expired), "two_tokens", { protocols: [`jwt-${good}`] });
      await assertRefused(urlWith(good), "two_tokens", { headers: { authorization: "Bearer x" } });
    });
    await context.step("a bad token is not taken for a viewer", async () => {
      await assertRefused(`${urlWith(expired)}&apikey=${PUBLISHABLE_KEY}`, "token_expired");
    });
    await context.step("a token in the path", async () => {
      await assertRefused(`ws://${relay.address}/${good}/relay/websocket`, "token_missing");
      const response = await fetch(`http://${relay.address}/relay/${good}`);
      assert.equal((await response.json()).code, "not_found");
    });
    await context.step("an empty Authorization", async () => {
      const headers = { authorization: "" };
      await assertRefused(`ws://${relay.address}/relay`, "token_missing", { headers });
    });
    assert.equal(upstream.dials(), 1);
  });
});
