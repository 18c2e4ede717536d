import fc from "fast-check";
import { anonKey, PROJECT } from "./project.ts";
import { PUBLISHABLE_KEY, SECRET } from "../../../../support/tokens.ts";

/** What a role may do, as RELAY_POLICY has it. */
export interface Policy {
  topics?: string[];
  tables?: string[];
  readOnly?: boolean;
  privateOnly?: boolean;
}

/** The policies that worlds have. */
export const POLICIES: Record<string, Policy>[] = [
  {},
  { anon: { readOnly: true }, authenticated: { privateOnly: true } },
  { anon: { topics: ["a", "b"] }, authenticated: { topics: ["b", "c*"] }, editor: {} },
  { anon: { tables: ["public.clicks"] }, authenticated: { tables: ["public.notes"] } },
  { "*": { topics: ["a*", "b*"], tables: ["public.*"] }, editor: { readOnly: true } },
];

/** One world: the relay's settings, and the network and Realtime around it. */
export interface Settings {
  /** What a public key alone opens: see RELAY_ANONYMOUS. */
  anonymous: "allow" | "join" | "refuse";
  policy: number;
  share: boolean;
  maxSockets: number;
  perUser: number;
  /** Whether addresses are known, and so bounded. */
  proxies: 0 | 1;
  perAddress: number;
  refusalMax: number;
  refusalDelayMs: number;
  maxJoins: number;
  framesPerSecond: number;
  frameBurst: number;
  maxFrame: number;
  maxUnsent: number;
  joinTimeoutMs: number;
  maxSilenceS: number;
  dialTimeoutMs: number;
  /** How long a signature takes that was not looked at before. */
  verifyMs: number;
  /** Whether everybody may read and write the private topics at first. */
  open: boolean;
  /** Milliseconds to Realtime, and back. */
  up: number;
  down: number;
  /** How long Realtime takes to check a change for its subscribers, and to subscribe a channel. */
  checkMs: number;
  subscribeMs: number;
  /** Realtime writes changes as arrays to sockets of vsn 1.0.0 too, as some of its versions do. */
  arrays: boolean;
  /** So many channels Realtime takes on a socket; the relay is not told. */
  maxChannels: number;
  /** Every second socket has other ids for the same bindings, as while Realtime is being upgraded. */
  mixedIds: boolean;
  seed: number;
}

/** A world in which nothing is small and nothing is slow. */
export const ROOMY: Settings = {
  anonymous: "allow",
  policy: 0,
  share: true,
  maxSockets: 100,
  perUser: 50,
  proxies: 0,
  perAddress: 200,
  refusalMax: 256,
  refusalDelayMs: 10_000,
  maxJoins: 100,
  framesPerSecond: 500,
  frameBurst: 20_000,
  maxFrame: 5_000_000,
  maxUnsent: 16 << 20,
  joinTimeoutMs: 60_000,
  maxSilenceS: 180,
  dialTimeoutMs: 10_000,
  verifyMs: 0,
  open: false,
  up: 1,
  down: 1,
  checkMs: 0,
  subscribeMs: 5,
  arrays: false,
  maxChannels: 100,
  mixedIds: false,
  seed: 1,
};

/** The first of each list is what a world shrinks to. */
const oneOf = <T>(...values: T[]) => fc.constantFrom(...values);

/** Most worlds have room in most things: what is always full is never looked at behind its door. */
const seldom = (roomy: number, ...small: number[]) =>
  fc.constantFrom(...Array(4 * small.length).fill(roomy) as number[], ...small);

export const settings: fc.Arbitrary<Settings> = fc.record({
  anonymous: fc.constantFrom("allow", "allow", "allow", "allow", "join", "join", "refuse"),
  policy: fc.constantFrom(0, 0, 0, 0, ...POLICIES.keys()),
  share: fc.constantFrom(...Array(8).fill(true) as boolean[], false),
  maxSockets: seldom(ROOMY.maxSockets, 5, 3),
  perUser: seldom(ROOMY.perUser, 2, 1),
  proxies: fc.constantFrom(0, 0, 1),
  perAddress: seldom(ROOMY.perAddress, 3),
  refusalMax: seldom(ROOMY.refusalMax, 2, 0),
  refusalDelayMs: oneOf(10_000, 2_000, 0),
  maxJoins: seldom(ROOMY.maxJoins, 10, 3),
  framesPerSecond: seldom(ROOMY.framesPerSecond, 20),
  frameBurst: seldom(ROOMY.frameBurst, 60),
  maxFrame: seldom(ROOMY.maxFrame, 50_000),
  maxUnsent: oneOf(16 << 20, 1 << 20, 1 << 16),
  joinTimeoutMs: seldom(ROOMY.joinTimeoutMs, 3_000),
  maxSilenceS: seldom(ROOMY.maxSilenceS, 30),
  dialTimeoutMs: oneOf(10_000, 2_000),
  verifyMs: oneOf(0, 0, 50, 400),
  open: oneOf(false, true, true),
  up: oneOf(1, 30, 400, 1_500),
  down: oneOf(1, 30, 400, 1_500),
  checkMs: oneOf(0, 400, 2_500),
  subscribeMs: oneOf(5, 500, 2_000),
  arrays: fc.boolean(),
  maxChannels: seldom(ROOMY.maxChannels, 3, 2),
  mixedIds: oneOf(false, false, false, true),
  seed: fc.nat(1_000),
});

/** The relay's environment in that world. */
export function environmentOf(it: Settings): Record<string, string> {
  const numbers = {
    RELAY_MAX_SOCKETS: it.maxSockets,
    RELAY_MAX_SOCKETS_PER_USER: it.perUser,
    RELAY_TRUSTED_PROXIES: it.proxies,
    RELAY_MAX_SOCKETS_PER_ADDRESS: it.perAddress,
    RELAY_REFUSAL_MAX: it.refusalMax,
    RELAY_REFUSAL_DELAY_MS: it.refusalDelayMs,
    RELAY_MAX_JOINS: it.maxJoins,
    RELAY_FRAMES_PER_SECOND: it.framesPerSecond,
    RELAY_FRAME_BURST: it.frameBurst,
    RELAY_MAX_FRAME_BYTES: it.maxFrame,
    RELAY_MAX_UNSENT_BYTES: it.maxUnsent,
    RELAY_JOIN_TIMEOUT_MS: it.joinTimeoutMs,
    RELAY_MAX_SILENCE_S: it.maxSilenceS,
    RELAY_DIAL_TIMEOUT_MS: it.dialTimeoutMs,
  };
  return {
    SUPABASE_URL: PROJECT,
    SUPABASE_PUBLISHABLE_KEY: PUBLISHABLE_KEY,
    SUPABASE_ANON_KEY: anonKey,
    RELAY_JWT_SECRET: SECRET,
    RELAY_ANONYMOUS: it.anonymous,
    RELAY_SHARE: it.share ? "anonymous" : "off",
    RELAY_POLICY: JSON.stringify(POLICIES[it.policy]),
    ...Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, String(value)])),
  };
}
