import type { Identity } from "./authenticate.ts";
import type { Config } from "./config.ts";
import type { Credential } from "./credential.ts";
import { RelayError } from "./errors.ts";

/** Throws unless a page of this origin may use the relay. Programs send no Origin and may. */
export function authorizeOrigin(origin: string | null, config: Config): void {
  if (origin === null || isAllowedOrigin(origin, config)) return;
  throw new RelayError("origin_forbidden", "Pages of this origin may not use the relay.");
}

/** True if the origin is on the list: exact, or one or more labels below `https://*.example.com`. */
export function isAllowedOrigin(origin: string, config: Config): boolean {
  return config.origins.some((allowed) => {
    if (allowed === "*" || allowed === origin) return true;
    const [scheme, domain] = allowed.split("*");
    return domain !== undefined && origin.startsWith(scheme) &&
      origin.endsWith(domain) &&
      /^[a-z0-9.-]+$/.test(origin.slice(scheme.length, -domain.length));
  });
}

/** Throws `anonymous_refused` where a public key alone does not let a viewer in. */
export function authorizeCredential(credential: Credential, config: Config): void {
  if (credential.kind === "token" || config.anonymous === "allow") return;
  throw new RelayError("anonymous_refused", "The relay lets in signed-in users only.");
}

/** Topics that a socket may have joined; Realtime itself stops at 100 channels. */
const MAX_TOPICS = 100;

/** Throws where the topic would be one too many. Rows and private channels are left to RLS. */
export function authorizeJoin(
  _identity: Identity,
  topic: string,
  joined: ReadonlySet<string>,
): void {
  if (joined.size < MAX_TOPICS || joined.has(topic)) return;
  throw new RelayError("too_many_joins", `The socket has joined ${MAX_TOPICS} topics already.`);
}
