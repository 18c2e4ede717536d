import { ROOT, writeProgram } from "./bundle.ts";

/** Where `deno task build` writes the relay for Node, from the project's folder. */
export const NODE_RELAY = "dist/node/relay.cjs";

/** Writes the relay for Node. Returns its path. */
export const buildNode = (file = ROOT + NODE_RELAY): Promise<string> =>
  writeProgram("deploy/node/main.ts", file);
