import type { Decoded } from "./jwt.ts";

/** A hosted project, in the address of its Auth. */
const HOSTED = /^https:\/\/([a-z0-9]{20})\.supabase\.\w+\/auth\/v1\/?$/;

/**
 * Who made a token, where that is not the project's Auth: as its iss says it. Behind a gateway Auth
 * signs with the address that it has there, which ends like every Auth's.
 */
export function otherIssuer(jwt: Decoded | undefined, project: URL | undefined) {
  const iss = jwt?.claims.iss;
  // `supabase` and `supabase-demo` stand in keys; Google writes no scheme.
  if (typeof iss !== "string" || !iss.includes(".")) return undefined;
  if (URL.canParse(iss) && new URL(iss).host === project?.host) return undefined;
  return /\/auth\/v1\/?$/.test(iss) ? undefined : iss;
}

/** The hosted project that a token is of, where that is another than this one. */
export function otherProject(jwt: Decoded | undefined, project: URL | undefined) {
  const [, theirs] = HOSTED.exec(String(jwt?.claims.iss ?? "")) ?? [];
  const [, ours] = HOSTED.exec(`${project?.origin}/auth/v1`) ?? [];
  return theirs && ours && theirs !== ours ? theirs : undefined;
}

/** The relay's setting that takes such tokens; for one of no audience any is taken. */
export function issuerPaste({ claims }: Decoded): string[] {
  const { iss, aud, role } = claims;
  const isUsual = role === "anon" || role === "authenticated";
  const entry = {
    issuer: iss,
    audience: aud === undefined ? "any" : [aud].flat(),
    ...(isUsual ? {} : { roles: [role] }),
  };
  const text = JSON.stringify([entry]).replaceAll("'", "\\u0027");
  return [
    `supabase secrets set RELAY_ISSUERS='${text}'`,
    `# self-hosted, .env: RELAY_ISSUERS='${text}'`,
  ];
}
