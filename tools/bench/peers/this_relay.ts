import { writeFunction } from "../../../tests/support/package_host.ts";
import { type Host, startRelay } from "../../../tests/support/relay_host.ts";
import { relayEnv } from "../../../tests/support/served_relay.ts";
import { keyPair, PUBLISHABLE_KEY, sign } from "../../../tests/support/tokens.ts";
import { startWorkerd } from "../../../tests/hosts/support/workerd.ts";
import type { StackInfo } from "../../stack/info.ts";
import { PATH, type Peer, proxyOf } from "./peer.ts";

/** As many users as a scenario has sockets; each has one, as the bound on a user's sockets wants. */
const MAX_USERS = 1000;
const userOf = (n: number) => `a11ce000-0000-4000-8000-${String(n).padStart(12, "0")}`;
const users = Array.from({ length: MAX_USERS }, (_, n) => ({ sub: userOf(n) }));

/**
 * What a bench has that no page has: sockets that say nothing for long, that wait longer for their
 * first join, and on workerd more of them than Cloudflare's memory holds. Everything else is as `deno task relay` has it.
 */
const PATIENT = {
  RELAY_HOST: "127.0.0.1",
  RELAY_JOIN_TIMEOUT_MS: "3600000",
  RELAY_MAX_SILENCE_S: "86400",
  RELAY_MAX_SOCKETS: "10000",
};

/** Of the relay in front of the upstream at this port. */
const envOf = (upstream: number) => ({
  ...relayEnv(`http://127.0.0.1:${upstream}`),
  ...PATIENT,
});

/** Each with a user of its own, whose token is verified. */
function authenticated(tokens: string[]): Peer["request"] {
  return (n) => ({
    path: PATH,
    headers: [`Sec-WebSocket-Protocol: realtime-relay.v1, jwt-${tokens[n]}`],
  });
}

/** The relay of this project on one Deno, as `deno task relay` runs it. */
export async function relayOn(host: Host, alg: "HS256" | "ES256" = "HS256"): Promise<Peer> {
  const { jwk, sign: signEs256 } = await keyPair("bench");
  const tokens = await Promise.all(
    users.map(alg === "HS256" ? (user) => sign(user) : (user) => signEs256(user)),
  );
  const SUPABASE_JWKS = JSON.stringify({ keys: [jwk] });
  return {
    name: alg === "HS256" ? "this relay" : "this relay, ES256",
    version: host.name,
    request: authenticated(tokens),
    start: async (port) => proxyOf(await startRelay(host, { ...envOf(port), SUPABASE_JWKS })),
  };
}

/** The same as the npm package writes it: one file with its packages in it. */
export async function relayInOneFile(host: Host): Promise<Peer> {
  const entry = [await writeFunction()];
  return {
    ...await relayOn(host),
    name: "this relay, one file",
    start: async (port) => proxyOf(await startRelay(host, envOf(port), { entry })),
  };
}

/** How viewers who share are served: a frame a message, or several. */
export const SHARED = { single: "this relay, shared", batches: "this relay, shared, in batches" };

/** Whose relay it is: the load's upstream end plays the first, the local stack is another. */
export interface Project {
  key: string;
  /** `upstream`: the port of the load's upstream end. */
  env(upstream: number): Record<string, string>;
}

const played: Project = { key: PUBLISHABLE_KEY, env: envOf };

/** The project of a running stack. */
export const projectOf = ({ API_URL, PUBLISHABLE_KEY }: StackInfo): Project => ({
  key: PUBLISHABLE_KEY,
  env: () => ({ SUPABASE_URL: API_URL, SUPABASE_PUBLISHABLE_KEY: PUBLISHABLE_KEY, ...PATIENT }),
});

/** The same, for viewers without an account who share what they watch. */
export function sharingRelay(host: Host, how: keyof typeof SHARED, project = played): Peer {
  const headers = how === "batches" ? ["Sec-WebSocket-Protocol: realtime-relay.v2"] : [];
  return {
    name: SHARED[how],
    version: host.name,
    request: () => ({ path: `${PATH}&apikey=${project.key}`, headers }),
    start: async (port) =>
      proxyOf(await startRelay(host, { ...project.env(port), RELAY_ANONYMOUS: "allow" })),
  };
}

/** The relay on Node with all of the project behind it. */
export async function passingRelay(host: Host): Promise<Peer> {
  return {
    name: "this relay, RELAY_PASS",
    version: host.name,
    request: authenticated(await Promise.all(users.map((user) => sign(user)))),
    start: async (port) => proxyOf(await startRelay(host, { ...envOf(port), RELAY_PASS: "all" })),
  };
}

/** The same on workerd, which is what Cloudflare runs. */
export async function relayOnWorkerd(): Promise<Peer> {
  return {
    name: "this relay",
    version: "workerd",
    request: authenticated(await Promise.all(users.map((user) => sign(user)))),
    start: async (port) => proxyOf(await startWorkerd(envOf(port))),
  };
}
