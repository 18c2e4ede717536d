/** The tokens that stand in the recordings as placeholders. */
import { SignJWT } from "jose";

export const JWT_SECRET = "a secret of the replays only, of more than 32 characters";

/** What is wrong with a token, or about it; the rest are its claims. */
export interface TokenCue {
  role?: string;
  sub?: string;
  app_metadata?: Record<string, unknown>;
  aud?: string;
  /** In so many seconds from now. Default: none. */
  nbf?: number;
  iat?: number;
  /** Seconds until it expires; negative: since it expired; null: no `exp`. Default an hour. */
  expires?: number | null;
  fault?: "signature" | "alg none" | "no role";
}

/** By placeholder. The users are those whose ids the recordings show, or setup/ names. */
const NAMED: Record<string, TokenCue> = {
  "<ANON>": { role: "anon" },
  "<AUTHENTICATED>": { role: "authenticated", sub: "11111111-1111-4111-8111-111111111111" },
  "<AUTHENTICATED2>": { role: "authenticated", sub: "22222222-2222-4222-8222-222222222222" },
  "<SERVICE_ROLE>": { role: "service_role" },
  "<ALICE>": { role: "authenticated", sub: "a11ce000-0000-4000-8000-000000000001" },
  "<BOB>": { role: "authenticated", sub: "b0b00000-0000-4000-8000-000000000002" },
};

/** Fills in tokens for the placeholders of a text; `jwt` is what `<jwt>` stands for there. */
export async function fill(text: string, jwt?: TokenCue): Promise<string> {
  const parts = text.split(/(<(?:ANON|AUTHENTICATED2?|SERVICE_ROLE|ALICE|BOB|jwt)>)/);
  const filled = parts.map((part, index) => {
    if (index % 2 === 0) return part;
    const cue = part === "<jwt>" ? jwt : NAMED[part];
    if (!cue) throw new Error(`no cue says what <jwt> stands for in ${text.slice(0, 100)}`);
    return token(cue);
  });
  return (await Promise.all(filled)).join("");
}

/** A token as the cue wants it. */
async function token(cue: TokenCue): Promise<string> {
  const { expires = 3600, fault, role = "anon", nbf, iat, ...claims } = cue;
  const now = Math.floor(Date.now() / 1000);
  const times = Object.entries({ nbf, iat, exp: expires ?? undefined })
    .filter(([, seconds]) => seconds !== undefined).map(([name, s]) => [name, now + s!]);
  const payload = {
    ...(fault === "no role" ? {} : { role }),
    ...claims,
    ...Object.fromEntries(times),
  };
  if (fault === "alg none") return `${part({ alg: "none", typ: "JWT" })}.${part(payload)}.`;
  const secret = fault === "signature" ? `not ${JWT_SECRET}` : JWT_SECRET;
  return await new SignJWT(payload).setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .sign(new TextEncoder().encode(secret));
}

function part(value: object): string {
  return btoa(JSON.stringify(value)).replaceAll("=", "").replaceAll("+", "-").replaceAll("/", "_");
}
