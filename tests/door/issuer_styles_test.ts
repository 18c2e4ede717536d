import assert from "node:assert/strict";
import { createAuthenticator } from "../../supabase/functions/relay/door/authenticate.ts";
import type { User } from "../../supabase/functions/relay/door/identity.ts";
import { readConfig } from "../../supabase/functions/relay/config/config.ts";
import { keyPair, PUBLISHABLE_KEY } from "../support/tokens.ts";

/** How a service signs: its entry of RELAY_ISSUERS, its claims, and where its keys are. */
interface Style {
  entry: { issuer: string; audience: string; jwks?: string };
  claims: Record<string, unknown>;
  /** Undefined where it has no discovery document. */
  discovered: string | undefined;
}

/** All with the claim `role`, which the project's Third-party Auth wants too. */
const STYLES: Record<string, Style> = {
  Clerk: {
    entry: { issuer: "https://clean-fox-1.clerk.accounts.dev", audience: "any" },
    claims: { sub: "user_2abcDEF", azp: "https://app.example.com", sid: "sess_1", aud: undefined },
    discovered: "https://clean-fox-1.clerk.accounts.dev/.well-known/jwks.json",
  },
  Auth0: {
    // With the slash at its end.
    entry: { issuer: "https://example.eu.auth0.com/", audience: "https://api.example.com" },
    claims: {
      sub: "auth0|5f7c8ec7",
      aud: ["https://api.example.com", "https://example.eu.auth0.com/userinfo"],
      scope: "openid profile",
    },
    discovered: "https://example.eu.auth0.com/.well-known/jwks.json",
  },
  WorkOS: {
    entry: {
      issuer: "https://api.workos.com/user_management/client_01H",
      audience: "any",
      jwks: "https://api.workos.com/sso/jwks/client_01H",
    },
    claims: { sub: "user_01HBEQKA", sid: "session_01H", org_id: "org_01H", aud: undefined },
    discovered: undefined,
  },
  Cognito: {
    entry: {
      issuer: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf",
      audience: "1example23456789",
    },
    claims: { aud: "1example23456789", token_use: "id", "cognito:username": "ada" },
    discovered:
      "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf/.well-known/jwks.json",
  },
  Firebase: {
    entry: { issuer: "https://securetoken.google.com/my-app", audience: "my-app" },
    claims: { aud: "my-app", sub: "Hk3yZ9", user_id: "Hk3yZ9", auth_time: 1_700_000_000 },
    discovered: "https://www.googleapis.com/service_accounts/v1/jwk/securetoken",
  },
};

for (const [service, { entry, claims, discovered }] of Object.entries(STYLES)) {
  Deno.test(`a token as ${service} signs it is its user's`, async () => {
    const key = await keyPair("key-1", "RS256");
    const { issuer } = entry;
    const document = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
    const answers: Record<string, unknown> = {
      ...(discovered ? { [document]: { issuer, jwks_uri: discovered } } : {}),
      [discovered ?? entry.jwks!]: { keys: [key.jwk] },
    };
    const config = readConfig({
      SUPABASE_URL: "https://project.test",
      SUPABASE_PUBLISHABLE_KEY: PUBLISHABLE_KEY,
      RELAY_ISSUERS: JSON.stringify([entry]),
    });
    const fetch = (input: RequestInfo | URL) => {
      const answer = answers[String(input)];
      return Promise.resolve(
        answer ? Response.json(answer) : new Response(null, { status: 404 }),
      );
    };
    const { authenticate } = createAuthenticator(config, fetch, Date.now);
    const check = async (changes: Record<string, unknown> = {}) => {
      const token = await key.sign({ iss: issuer, ...claims, ...changes });
      return await authenticate({ kind: "token", token }) as User;
    };
    const { id, role } = await check({ sub: claims.sub ?? "0b1c" });
    assert.deepEqual([id, role], [claims.sub ?? "0b1c", "authenticated"]);
    // What another app of the same service is given is nobody's here, where that can be told.
    if (entry.audience !== "any") {
      await assert.rejects(check({ aud: "another" }), { code: "token_audience" });
    }
    await assert.rejects(check({ role: undefined }), { code: /role|claims/ });
  });
}
