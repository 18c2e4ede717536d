import { fileURLToPath } from "node:url";
import {
  type Host,
  hosts,
  type RelayProcess,
  startRelay,
} from "../../../tests/support/relay_host.ts";
import { relayEnv } from "../../../tests/support/served_relay.ts";
import { keyPair, PUBLISHABLE_KEY, sign } from "../../../tests/support/tokens.ts";
import { startWorkerd, workerdMissing } from "../../../tests/support/workerd.ts";
import type { Peer, Proxy } from "./peer.ts";
import { startProgram, versionOf } from "./program.ts";

const NAIVE = fileURLToPath(new URL("naive.ts", import.meta.url));
const FAN = fileURLToPath(new URL("fan.ts", import.meta.url));
const WS = fileURLToPath(new URL("ws.cjs", import.meta.url));
const WS_VERSION = "8.18.3";

/** As many users as a scenario has sockets; each has one, as the bound on a user's sockets wants. */
export const MAX_USERS = 1000;
const userOf = (n: number) => `a11ce000-0000-4000-8000-${String(n).padStart(12, "0")}`;
const users = Array.from({ length: MAX_USERS }, (_, n) => ({ sub: userOf(n) }));

const upstreamUrl = (port: number) => `ws://127.0.0.1:${port}/realtime/v1/websocket?vsn=2.0.0`;
const PATH = "/functions/v1/relay/websocket?vsn=2.0.0";

/**
 * What a bench has that no page has: sockets that wait longer for their first join, and on workerd
 * more of them than Cloudflare's memory holds. Everything else is as `deno task relay` has it.
 */
const PATIENT = {
  RELAY_HOST: "127.0.0.1",
  RELAY_JOIN_TIMEOUT_MS: "3600000",
  RELAY_MAX_SOCKETS: "10000",
};

function proxyOf({ address, pid, stop }: RelayProcess): Proxy {
  return { port: Number(address.split(":")[1]), pid, stop };
}

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
  const keys = { ...PATIENT, SUPABASE_JWKS: JSON.stringify({ keys: [jwk] }) };
  return {
    name: alg === "HS256" ? "this relay" : "this relay, ES256",
    version: host.name,
    request: authenticated(tokens),
    start: async (port) =>
      proxyOf(await startRelay(host, { ...relayEnv(`http://127.0.0.1:${port}`), ...keys })),
  };
}

/** The same, for viewers without an account who share what they watch. */
export function sharingRelay(host: Host): Peer {
  const env = { ...PATIENT, RELAY_ANONYMOUS: "allow" };
  return {
    name: "this relay, shared",
    version: host.name,
    request: () => ({ path: `${PATH}&apikey=${PUBLISHABLE_KEY}` }),
    start: async (port) =>
      proxyOf(await startRelay(host, { ...relayEnv(`http://127.0.0.1:${port}`), ...env })),
  };
}

/** Checks nothing and bounds nothing. */
function naiveOn(host: Host): Peer {
  return {
    name: "naive relay",
    version: host.name,
    request: () => ({ path: PATH }),
    start: async (port) =>
      proxyOf(await startRelay(host, {}, { entry: [NAIVE, upstreamUrl(port)] })),
  };
}

/** What the hub cannot go below. */
export function bareFan(host: Host): Peer {
  return {
    name: "bare fan-out",
    version: host.name,
    request: () => ({ path: PATH }),
    start: async (port) => proxyOf(await startRelay(host, {}, { entry: [FAN, upstreamUrl(port)] })),
  };
}

async function workerd(): Promise<Peer> {
  return {
    name: "this relay",
    version: "workerd",
    request: authenticated(await Promise.all(users.map((user) => sign(user)))),
    start: async (port) =>
      proxyOf(await startWorkerd({ ...relayEnv(`http://127.0.0.1:${port}`), ...PATIENT })),
  };
}

/** npm brings `ws` into a folder of its own: the project itself does without it. */
async function ws(): Promise<Peer | undefined> {
  const node = await versionOf("node", ["--version"]);
  if (!node) return;
  const folder = await Deno.makeTempDir({ prefix: "bench-ws-" });
  addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  const args = [
    "install",
    "--prefer-offline",
    "--no-audit",
    "--prefix",
    folder,
    `ws@${WS_VERSION}`,
  ];
  const { success } = await new Deno.Command("npm", { args, stdout: "null", stderr: "null" })
    .output();
  if (!success) return;
  return {
    name: "ws relay",
    version: `Node ${node}, ws ${WS_VERSION}`,
    request: () => ({ path: PATH }),
    start: (port) =>
      startProgram("node", [WS, upstreamUrl(port)], { NODE_PATH: `${folder}/node_modules` }),
  };
}

/** Relays that are programs: ours and what one would write instead, on each host that is there. */
export async function findRelays(): Promise<{ peers: Peer[]; absent: string[] }> {
  const peers: Peer[] = [];
  const absent: string[] = [];
  for (const host of hosts) {
    if (host.deno) peers.push(naiveOn(host), await relayOn(host));
    else absent.push(host.name);
  }
  const onNode = await ws();
  if (onNode) peers.push(onNode);
  else absent.push("Node with ws");
  if (workerdMissing) absent.push("workerd");
  else peers.push(await workerd());
  return { peers, absent };
}
