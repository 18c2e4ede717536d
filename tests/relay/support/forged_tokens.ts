/** Tokens that no attacker may get in with. */
import { CompactSign, exportSPKI } from "jose";
import type { Code } from "../../../supabase/functions/relay/errors.ts";
import { claimsOf, inSeconds, keyPair, SECRET, sign } from "../../support/tokens.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const base64url = (text: string) =>
  btoa(text).replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_");

/** A token whose claims are this very text, signed as a project with this secret does. */
function signText(claims: string, header: Record<string, unknown> = {}, secret = SECRET) {
  return new CompactSign(bytes(claims)).setProtectedHeader({ alg: "HS256", ...header })
    .sign(bytes(secret), { crit: { evil: true } });
}

/** A token with a header that no signer would write, and somebody's signature. */
function forge(header: Record<string, unknown>): string {
  return [header, claimsOf()].map((part) => base64url(JSON.stringify(part))).join(".") + ".c2ln";
}

/** A token with a claim `exp` that is this very text. */
export const expiring = (exp: string) =>
  signText(`{"sub":"a","role":"authenticated","aud":"authenticated","exp":${exp}}`);

/** The key of the test project that signs with RS256. */
export const rsa = await keyPair("one", "RS256");
/** A key that no project knows. */
export const stranger = await keyPair("stranger");
const impostor = await keyPair("one", "RS256");
/** What some of the forgeries are made of. */
export const good = await sign();
const [head, claims, signature] = good.split(".");

/** Name, token, and the code that refuses it; `evil` is where a careless relay would ask for keys. */
export async function forged(evil: string): Promise<[string, string, Code][]> {
  const claimsText = JSON.stringify(claimsOf());
  const pem = await exportSPKI(rsa.publicKey);
  const header = (changes: Record<string, unknown>) => stranger.sign({}, changes);
  return [
    [
      "HS256 signed with the public key",
      await signText(claimsText, { kid: "one" }, pem),
      "token_signature",
    ],
    [
      "HS256 signed with the public JWK",
      await signText(claimsText, { kid: "one" }, JSON.stringify(rsa.jwk)),
      "token_signature",
    ],
    ["an unknown kid", await stranger.sign(), "token_signature"],
    ["a kid with a path", await header({ kid: "../../../../etc/passwd" }), "token_signature"],
    ["a kid with a URL", await header({ kid: `${evil}/jwks.json` }), "token_signature"],
    ["a kid with the name of a prototype", await header({ kid: "__proto__" }), "token_signature"],
    ["a jku header", await header({ jku: `${evil}/jwks.json` }), "token_signature"],
    ["an x5u header", await header({ x5u: `${evil}/cert.pem` }), "token_signature"],
    ["a jwk header", await header({ jwk: stranger.jwk }), "token_signature"],
    ["an x5c header", await header({ x5c: ["MIIB"] }), "token_signature"],
    [
      "a critical header that nobody knows",
      await signText(claimsText, { crit: ["evil"], evil: 1 }),
      "token_malformed",
    ],
    [
      "a payload that is not base64url",
      forge({ alg: "HS256", crit: ["b64"], b64: false }),
      "token_signature",
    ],
    ["a token of another project, by secret", await sign({}, "another-project"), "token_signature"],
    ["a token of another project, by kid", await impostor.sign(), "token_signature"],
    [
      "a token of another project, by name",
      await sign({ iss: "https://x", ref: "abc" }, "x"),
      "token_signature",
    ],
    ...["none", "None", "hs256", "HS512", "PS256", "dir", ""].map((alg): [string, string, Code] => [
      `alg ${alg}`,
      forge({ alg, kid: "one" }),
      "token_algorithm",
    ]),
    ["alg that is a list", forge({ alg: ["HS256"] }), "token_malformed"],
    [
      "a service_role token with a forged signature",
      await sign({ role: "service_role" }, "x"),
      "secret_key",
    ],
    ["exp a second ago", await sign({ exp: inSeconds(-1) }), "token_expired"],
    ["exp infinite", await expiring("1e999"), "token_claims"],
    ["exp null", await expiring("null"), "token_claims"],
    ["exp a list", await expiring(`[${inSeconds(60)}]`), "token_claims"],
    ["exp negative", await expiring("-1"), "token_expired"],
    ["nbf a minute ahead", await sign({ nbf: inSeconds(60) }), "token_early"],
    ["nbf that is text", await sign({ nbf: "0" }), "token_malformed"],
    ["iat that is text", await sign({ iat: "0" }), "token_malformed"],
    [
      "a role that is said twice",
      await signText(claimsText.replace("{", '{"role":"postgres",')),
      "token_malformed",
    ],
    ["aud nested", await sign({ aud: [["authenticated"]] }), "token_audience"],
    ["a role that is a list", await sign({ role: ["authenticated"] }), "token_claims"],
    ["a subject that is an object", await sign({ sub: { id: 1 } }), "token_claims"],
    ["a token of 8 kB", await sign({ long: "x".repeat(8192) }), "token_malformed"],
    [
      "a newline in the header",
      `${head.slice(0, 9)}\n${head.slice(9)}.${claims}.${signature}`,
      "token_malformed",
    ],
    [
      "a newline in the signature",
      `${head}.${claims}.${signature.slice(0, 9)}\n${signature.slice(9)}`,
      "token_malformed",
    ],
    ["a padded signature", `${good}=`, "token_malformed"],
    ["a fourth part", `${good}.x`, "token_malformed"],
    [
      "another's claims under a good signature",
      `${head}.${base64url('{"sub":"x"}')}.${signature}`,
      "token_claims",
    ],
  ];
}
