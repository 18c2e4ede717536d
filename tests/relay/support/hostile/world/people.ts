import { SignJWT } from "jose";
import { ALICE, BOB, SECRET } from "../../../../support/tokens.ts";
import { EPOCH } from "./time.ts";

/** Who a token speaks for. */
export interface Claims {
  /** Which clients may have it: each slot has tokens of its own, so that a token tells whose it is. */
  slot: number;
  sub: string;
  role: string;
  /** In milliseconds. */
  expiresAt: number;
}

export const USERS = [ALICE, BOB];
export const ROLES = ["authenticated", "editor"];
/** How long tokens live from the beginning of the world, in seconds. */
export const LIVES = [70, 900, 3_600, 7_200];
/** Clients that share tokens with no other, unless a world has more of them. */
export const SLOTS = 6;

const secret = new TextEncoder().encode(SECRET);
const inSeconds = (seconds: number) => EPOCH / 1000 + seconds;

const signed = (claims: Record<string, unknown>, key = secret) =>
  new SignJWT({ aud: "authenticated", ...claims }).setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .sign(key);

/** Every good token, by its text. */
export const claimsOf = new Map<string, Claims>();

/** The good tokens by slot, user, role and life. */
const tokens = new Map<string, string>();

for (let slot = 0; slot < SLOTS; slot++) {
  for (const [user, sub] of USERS.entries()) {
    for (const [place, role] of ROLES.entries()) {
      for (const [life, seconds] of LIVES.entries()) {
        // No two roles of one user end at the same time: the relay takes over what ends later.
        const exp = inSeconds(seconds + place);
        const token = await signed({ sub, role, exp, slot });
        claimsOf.set(token, { slot, sub, role, expiresAt: exp * 1000 });
        tokens.set([slot, user, place, life].join(), token);
      }
    }
  }
}

/** The token of a slot; all numbers are taken modulo what there is. */
export function tokenOf(slot: number, user: number, role: number, life: number): string {
  const key = [slot % SLOTS, user % USERS.length, role % ROLES.length, life % LIVES.length];
  return tokens.get(key.join())!;
}

const bad = { sub: ALICE, role: "authenticated", exp: inSeconds(3_600) };

/** What must let nobody in, by what is wrong with it. */
export const BAD_TOKENS: Record<string, string> = {
  expired: await signed({ ...bad, exp: inSeconds(-10) }),
  forged: await signed(bad, new TextEncoder().encode("somebody else's secret, as long as ours is")),
  service: await signed({ ...bad, role: "service_role" }),
  audience: await signed({ ...bad, aud: "others" }),
  words: "no token at all",
  secret: "sb_secret_test_key_of_a_project",
};
