import { fileURLToPath } from "node:url";
import { FLAGS as NODE_FLAGS } from "../../../tests/support/node_host.ts";
import { type Host, startRelay } from "../../../tests/support/relay_host.ts";
import { PATH, type Peer, proxyOf } from "./peer.ts";
import { startProgram, versionOf } from "./program.ts";

const WS_VERSION = "8.18.3";

const pathOf = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const upstreamUrl = (port: number) => `ws://127.0.0.1:${port}/realtime/v1/websocket?vsn=2.0.0`;

/** A program of this folder that is told its upstream, on one Deno. */
const onDeno = (name: string, file: string) => (host: Host): Peer => ({
  name,
  version: host.name,
  request: () => ({ path: PATH }),
  start: async (port) =>
    proxyOf(await startRelay(host, {}, { entry: [pathOf(file), upstreamUrl(port)] })),
});

/** Checks nothing and bounds nothing. */
export const naiveRelay = onDeno("naive relay", "naive.ts");

/** What the hub cannot go below. */
export const bareFan = onDeno("bare fan-out", "fan.ts");

/** What one would write on Node; undefined where Node or the package is not to be had. */
export const wsRelay = () => onNode("ws relay", "ws.cjs");

/** The bare fan-out there. */
export const wsFan = () => onNode("bare fan-out", "fan.cjs");

let ws: ReturnType<typeof findWs> | undefined;

async function onNode(name: string, file: string): Promise<Peer | undefined> {
  const found = await (ws ??= findWs());
  return found && {
    name,
    version: `Node ${found.node}, ws ${WS_VERSION}`,
    request: () => ({ path: PATH }),
    start: (port) =>
      startProgram("node", [...NODE_FLAGS, pathOf(file), upstreamUrl(port)], {
        NODE_PATH: `${found.folder}/node_modules`,
      }),
  };
}

/** npm brings `ws` into a folder of its own, in the version that such relays are written with. */
async function findWs(): Promise<{ node: string; folder: string } | undefined> {
  const node = await versionOf("node", ["--version"]);
  if (!node) return;
  const folder = await Deno.makeTempDir({ prefix: "bench-ws-" });
  addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  const options = ["--prefer-offline", "--no-audit", "--prefix", folder];
  const args = ["install", ...options, `ws@${WS_VERSION}`];
  const { success } = await new Deno.Command("npm", { args, stdout: "null", stderr: "null" })
    .output();
  return success ? { node, folder } : undefined;
}
