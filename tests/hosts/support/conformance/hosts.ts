import { edgeMissing, startEdgeHost } from "../../../support/edge/host.ts";
import { hosts as denos, startRelay } from "../../../support/relay_host.ts";
import { nodeHost, nodeMissing, startNode } from "../../../support/node_host.ts";
import { packageHost, packageMissing } from "../../../support/package_host.ts";
import { startWorkerd, workerdMissing } from "../workerd.ts";

/** A kind of machine that the relay promises to run on. */
export interface ConformanceHost {
  name: string;
  /** Why it cannot be had here, for the names of tests; empty where it can. */
  missing: string;
  /** The sentences that do not hold there, each with its reason. */
  gaps: Record<string, string>;
  start(environment: Record<string, string>): Promise<RunningHost>;
}

export interface RunningHost {
  /** `127.0.0.1:<port>`. */
  address: string;
  readonly output: string[];
  stop(): Promise<void>;
}

const [newest, oldest] = denos;

const LIST = "a list of subprotocols without spaces is served";
const deno21 = "Deno 2.1 splits it by a comma and a space, and cannot answer a part of it";
const WRONG = "a wrong environment is told to whoever asks, whole";
const standalone = "a standalone relay prints it and ends with code 1";

export const hosts: ConformanceHost[] = [
  {
    name: newest.name,
    missing: "",
    gaps: { [WRONG]: standalone },
    start: (environment) => startRelay(newest, environment),
  },
  {
    name: oldest.name,
    missing: oldest.deno ? "" : " (skipped: npx cannot get deno@2.1.4)",
    gaps: { [LIST]: deno21, [WRONG]: standalone },
    start: (environment) => startRelay(oldest, environment),
  },
  {
    name: packageHost.name,
    missing: packageMissing,
    gaps: { [LIST]: deno21, [WRONG]: standalone },
    start: (environment) => startRelay(packageHost, environment),
  },
  {
    name: "Edge Runtime",
    missing: edgeMissing,
    gaps: { [LIST]: deno21 },
    start: (environment) => startEdgeHost(environment),
  },
  {
    name: nodeHost.name,
    missing: nodeMissing,
    gaps: { [WRONG]: standalone },
    start: startNode,
  },
  {
    name: "workerd",
    missing: workerdMissing,
    gaps: {
      "a client that does not read is cut off": "workerd does not tell how much is unsent",
      "viewers of one page are one subscriber": "a socket is usable by the request that opened it",
    },
    start: startWorkerd,
  },
];
