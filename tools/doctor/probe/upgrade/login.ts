import type { Answer } from "../../ask/receive.ts";

/** What asks people to sign in, and has no use for a socket. */
export const LOGINS = {
  cloudflare_access: "Cloudflare Access",
  oauth2_proxy: "oauth2-proxy",
  authelia: "Authelia",
  authentik: "authentik",
  vercel: "Vercel's protection",
  certificate: "a certificate of the client's own (mutual TLS)",
  google_iap: "Google's Identity-Aware Proxy",
  password: "a password of its own (HTTP basic authentication)",
  other: "a login",
} as const;

export type Login = keyof typeof LOGINS;

/** By where each sends a browser that has not signed in. */
const PLACES: [Login, RegExp][] = [
  ["cloudflare_access", /\/cdn-cgi\/access\/|\.cloudflareaccess\.com(?:[:/]|$)/],
  // Its own places, or at a provider the one to come back to.
  ["oauth2_proxy", /^(?:https?:\/\/[^/]{1,200})?\/oauth2\/(?:start|sign_in|auth|callback)\b/],
  ["oauth2_proxy", /%2Foauth2%2Fcallback|\/oauth2\/callback/i],
  ["authentik", /goauthentik|\/if\/flow\/|\/application\/o\/authorize/],
  ["authelia", /authelia|[?&]rd=/],
  ["vercel", /\/\/vercel\.com\/sso|_vercel_/],
  [
    "other",
    /(?:^|[/._-])(?:openid-connect|amazoncognito|adfs|log-?in|sign-?in|sign_in|sso|oauth2?|authorize|saml2?|cas|oidc)(?:[/?._-]|$)/i,
  ],
];

/** Hosts that do nothing else. */
const HOSTS = /^https?:\/\/(?:auth|login|sso|signin|id|idp|accounts?|identity|keycloak|oidc)\./i;

/** The same by the page or header of a refusal. */
const PAGES: [Login, RegExp][] = [
  ["oauth2_proxy", /oauth2[-_]proxy|\/oauth2\/start/i],
  ["authentik", /goauthentik/i],
  ["authelia", /authelia/i],
  ["vercel", /_vercel_sso_nonce|Vercel Authentication/i],
];

/** Cookies by which each knows who is at a login. */
const COOKIES: [Login, RegExp][] = [
  ["cloudflare_access", /\bCF_(?:AppSession|Authorization|Session)=/],
  ["oauth2_proxy", /\b_oauth2_proxy/],
  ["authelia", /\bauthelia_session=/],
  ["authentik", /\bauthentik_(?:proxy|session)/],
  ["vercel", /\b_vercel_sso_nonce=/],
];

/** nginx that lets in whom it knows by a certificate. */
const CERTIFICATE = /No required SSL certificate was sent|The SSL certificate error/;

/** A page that wants a password typed. */
const FORM = /<input[^<>]{0,400}type=["']?password/i;

const by = (signs: [Login, RegExp][], text: string) =>
  signs.find(([, sign]) => sign.test(text))?.[0];

/** Whether a redirect asks for the same path again, elsewhere or by another scheme: no login does. */
function isSamePath(location: string, url: URL): boolean {
  if (!URL.canParse(location, url)) return false;
  const bare = ({ pathname }: URL) => pathname.replace(/\/$/, "");
  return bare(new URL(location, url)) === bare(url);
}

/** What signs people in before this answer to a question at `url`; undefined where nothing says so. */
export function loginOf({ status, headers, body }: Answer, url: URL): Login | undefined {
  const location = headers.get("location") ?? "";
  const cookies = headers.get("set-cookie") ?? "";
  if (headers.has("cf-access-domain")) return "cloudflare_access";
  if (headers.has("x-goog-iap-generated-response")) return "google_iap";
  if (status >= 300 && status < 400) {
    if (isSamePath(location, url)) return undefined;
    return by(COOKIES, cookies) ?? by(PLACES, location) ??
      (HOSTS.test(location) ? "other" : undefined);
  }
  if (status === 200) return FORM.test(body) ? by(PAGES, body) ?? "other" : undefined;
  if (status === 400) return CERTIFICATE.test(body) ? "certificate" : undefined;
  if (status === 407) return "password";
  if (status !== 401 && status !== 403) return undefined;
  const challenge = headers.get("www-authenticate") ?? "";
  if (/^\s*(?:basic|digest|negotiate|ntlm)\b/i.test(challenge)) return "password";
  // Where a browser would be sent to.
  const [, place] = /\bauthorization_uri="?([^"\s,]+)/.exec(challenge) ?? [];
  if (place) return by(PLACES, place) ?? "other";
  return by(COOKIES, cookies) ?? (location ? by(PLACES, location) : undefined) ??
    by(PAGES, body) ?? (FORM.test(body) ? "other" : undefined);
}
