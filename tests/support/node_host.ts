import { buildNode } from "../../tools/build/node.ts";
import { nodeMissing, nodeVersion, OLDEST_NODE } from "./node_version.ts";
import { type Host, type RelayProcess, startRelay } from "./relay_host.ts";

export { nodeMissing };

/** As in `deno task serve`. */
export const FLAGS = [
  "--max-semi-space-size=4",
  "--heap-growing-percent=20",
  "--enable-source-maps",
];

/** The relay on Node and `ws`, as `deno task serve` runs it; built anew for each file of tests. */
export const nodeHost: Host = {
  name: `Node ${nodeVersion ?? OLDEST_NODE}`,
  deno: undefined,
  instead: nodeMissing ? undefined : ["node", ...FLAGS, await build()],
};

/** Starts it with these variables alone. */
export const startNode = (environment: Record<string, string>): Promise<RelayProcess> =>
  startRelay(nodeHost, environment);

async function build(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "relay-node-" });
  addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  return await buildNode(`${folder}/relay.cjs`);
}
