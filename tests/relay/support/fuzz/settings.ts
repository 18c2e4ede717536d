/** What the fuzzers run with. */
import { givenSeed } from "../../../support/finding.ts";
import { LONG } from "../../../support/long.ts";
import { anonKey } from "../../../support/served_relay.ts";
import { PUBLISHABLE_KEY } from "../../../support/tokens.ts";
import { POLICY } from "./frame_oracle.ts";
import type { Rules } from "./handshake_oracle.ts";
import { verified } from "./tokens.ts";

/** Another one for each run; what was found is found again by RELAY_TEST_SEED. */
export const SEED = givenSeed ?? Date.now() % 1_000_000;

/** The counts of a wire are for each of the two Denos: 200,000 in all, or 4,400. */
export const COUNTS = LONG
  ? { handshakes: 80_000, frames: 100_000, wireHandshakes: 5_000, wireFrames: 5_000 }
  : { handshakes: 1_600, frames: 1_600, wireHandshakes: 300, wireFrames: 300 };

/** Variables of the relay beside those of every test. */
export const env = {
  RELAY_ORIGINS: "https://app.example.com,https://*.example.org",
  RELAY_POLICY: POLICY,
  RELAY_REFUSAL_MAX: "1000",
  RELAY_MAX_SOCKETS_PER_USER: "1000",
};

/** The same in the words of the oracle. */
export const rules: Rules = {
  good: new Set(verified.keys()),
  publicKeys: new Set([PUBLISHABLE_KEY, anonKey]),
  origins: ["https://app.example.com"],
  originsBelow: [".example.org"],
};
