/** Tokens for a fuzzer: one that is good, others that are, and all that are not. */
import { decodeJwt } from "jose";
import { forged, good } from "../forged_tokens.ts";
import { anonKey } from "../../../support/served_relay.ts";
import { BOB, inSeconds, PUBLISHABLE_KEY, SECRET_KEY, sign } from "../../../support/tokens.ts";

/** The one that forgeries are made of, so that undoing one gives no other that is good. */
export const alice = good;
const newer = await sign({ exp: inSeconds(7200) });
const bob = await sign({ sub: BOB });
/** Without those that become good while a long run lasts. */
const bad = (await forged("http://127.0.0.1:1")).filter(([, , code]) => code !== "token_early")
  .map(([, token]) => token);

/** What the relay verifies, with whom it names. */
export const verified = new Map(
  [alice, newer, bob].map((token) => {
    const { sub, exp } = decodeJwt(token);
    return [token, { sub: sub!, exp: exp! }];
  }),
);
const keys = [PUBLISHABLE_KEY, anonKey, "sb_publishable_of_another_project", SECRET_KEY, "", "x"];

/** The good one first. */
export const handshakeTokens = [
  alice,
  newer,
  bob,
  await sign({ role: "service_role" }),
  ...keys,
  ...bad.filter((token) => !/\s/.test(token)),
];

/** None of these lets anybody in, wherever it stands and whatever is cut off from it. */
export const badTokens = handshakeTokens.filter((token) =>
  !verified.has(token) && !token.startsWith(good)
);

/** Good ones often, and rarely what ends the socket. */
export const frameTokens = [
  ...Array(20).fill([alice, newer]).flat(),
  ...["", "null", "x.y.z", PUBLISHABLE_KEY, bob, SECRET_KEY],
  ...bad.filter((_, index) => index % 4 === 0),
];
