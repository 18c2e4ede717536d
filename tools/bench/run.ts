import { type Stack, startStack } from "../stack/stack.ts";
import { nodeHost, nodeMissing } from "../../tests/support/node_host.ts";
import { type Host, hosts } from "../../tests/support/relay_host.ts";
import type { Options, Scenario } from "./options.ts";
import { findPeers } from "./peers/find.ts";
import { bareFan, wsFan } from "./peers/other_relays.ts";
import type { Peer } from "./peers/peer.ts";
import { passingRelay, relayInOneFile, relayOn, sharingRelay } from "./peers/this_relay.ts";
import { type Rig, startRig } from "./rig.ts";
import { Samples } from "./samples.ts";
import { measureCarry, plural } from "./scenarios/carry.ts";
import { measureClient } from "./scenarios/client.ts";
import { type Graph, measureColdStart, moduleGraph } from "./scenarios/cold_start.ts";
import { measureHub } from "./scenarios/hub.ts";
import { measureLatency } from "./scenarios/latency.ts";
import { measurePass } from "./scenarios/pass.ts";
import { measureIdle, measureSetUp } from "./scenarios/set_up.ts";
import { measureStack } from "./scenarios/stack.ts";
import { measureStreams } from "./scenarios/streams.ts";

/** How much of everything; a full run takes about twenty minutes on a quiet machine. */
const FULL = {
  carry: [1, 100, 1000].map((sockets) => ({
    sockets,
    rounds: 15,
    messages: sockets === 1 ? 1000 : 4000,
  })),
  setUp: { rounds: 15, sockets: 50 },
  idle: { rounds: 3, sockets: 1000 },
  starts: 9,
  hub: [100, 1000, 5000].map((viewers) => ({
    viewers,
    rounds: 9,
    bursts: viewers <= 1000,
    frames: Math.max(2, 10_000 / viewers),
    starts: 3,
    warmUp: 50_000,
  })),
  stack: { viewers: [1, 1000], rounds: 3, changes: 20 },
  latency: 300,
  streams: { viewers: 1000, rounds: 9, times: 5 },
  pass: { rounds: 15, sockets: 1000, requests: 1000 },
  client: { rounds: 15, frames: 10_000 },
};

const QUICK: typeof FULL = {
  carry: [{ sockets: 100, rounds: 3, messages: 1000 }],
  setUp: { rounds: 3, sockets: 20 },
  idle: { rounds: 1, sockets: 100 },
  starts: 1,
  hub: [{ viewers: 1000, rounds: 1, frames: 5, starts: 1, warmUp: 10_000, bursts: true }],
  stack: { viewers: [1, 200], rounds: 1, changes: 5 },
  latency: 20,
  streams: { viewers: 100, rounds: 1, times: 2 },
  pass: { rounds: 3, sockets: 100, requests: 200 },
  client: { rounds: 3, frames: 1_000 },
};

export interface Measured {
  samples: Samples;
  peers: Peer[];
  /** What was looked for and is not on this machine. */
  absent: string[];
  graph?: Graph;
}

/** Measures everything that the options name, and tells what it is at. */
export async function run(options: Options, progress: (text: string) => void): Promise<Measured> {
  progress("looking for peers");
  const found = await findPeers();
  const wanted = ({ name }: Peer) =>
    options.peers.length === 0 || options.peers.some((word) => name.includes(word));
  const peers = found.peers.filter(wanted);
  const measured: Measured = { samples: new Samples(), peers, absent: found.absent };
  for (const scenario of options.only) {
    await scenarios[scenario](measured, options.quick ? QUICK : FULL, progress);
  }
  return measured;
}

type Run = (
  measured: Measured,
  plan: typeof FULL,
  progress: (text: string) => void,
) => Promise<void>;

const scenarios: Record<Scenario, Run> = {
  async messages({ peers, samples }, plan, progress) {
    await withRigs(peers, async (rigs) => {
      for (const carry of plan.carry) {
        progress(`messages and echoes, ${plural(carry.sockets)}`);
        await measureCarry(rigs, carry, samples);
      }
    });
  },
  async setup({ peers, samples }, plan, progress) {
    progress("set-up of sockets");
    const es256 = peers.some(({ name }) => name === "this relay")
      ? [await relayOn(hosts[0], "ES256")]
      : [];
    await withRigs([...peers, ...es256], (rigs) => measureSetUp(rigs, plan.setUp, samples));
  },
  async idle({ peers, samples }, plan, progress) {
    progress("memory of idle sockets");
    await measureIdle(peers, plan.idle, samples);
  },
  async start(measured, plan, progress) {
    progress("cold starts");
    const built = hosts.filter(({ name, deno }) =>
      deno && measured.peers.some((it) => it.name === "this relay" && it.version === name)
    );
    const peers = [
      ...measured.peers.filter(isRelay),
      ...await Promise.all(built.map(relayInOneFile)),
    ];
    await measureColdStart(peers, plan.starts, measured.samples);
    measured.graph = await moduleGraph();
  },
  async hub({ peers, samples }, plan, progress) {
    const nginx = peers.find(({ name }) => name === "nginx");
    const fan = await wsFan();
    const onNode = fan && !nodeMissing ? [fan, ...sharingOn(nodeHost)] : [];
    for (const hub of plan.hub) {
      progress(`the hub, ${hub.viewers} viewers`);
      const there = hosts.filter(({ deno }) => deno);
      const sharing = [...there.flatMap((it) => [bareFan(it), ...sharingOn(it)]), ...onNode];
      await measureHub(sharing, nginx, hub, samples);
    }
  },
  async stack({ samples }, plan, progress) {
    await withStack(progress, async (stack) => {
      progress("from the commit to the viewers");
      await measureLatency(stack.info, plan.latency, samples);
      await measureStack(stack, plan.stack, samples);
    });
  },
  async streams({ samples }, plan, progress) {
    await withStack(progress, async (stack) => {
      progress(`streams of Realtime's, ${plan.streams.viewers} viewers`);
      await measureStreams(stack, plan.streams, samples);
    });
  },
  async pass({ peers, samples }, plan, progress) {
    if (nodeMissing) return;
    progress("requests for the rest of the project");
    const nginx = peers.filter(({ name }) => name === "nginx");
    const passing = [...nginx, await passingRelay(nodeHost)];
    await withRigs(passing, (rigs) => measurePass(rigs, plan.pass, samples));
  },
  async client({ samples }, plan, progress) {
    progress("the client, frame by frame and in batches");
    await measureClient(plan.client, samples);
  },
};

const isRelay = ({ version }: Peer) => /^(Deno|Node|workerd)/.test(version);

/** Viewers who share on a host, whose clients take a frame a message, or several. */
const sharingOn = (host: Host) => [sharingRelay(host, "single"), sharingRelay(host, "batches")];

async function withStack(
  progress: (text: string) => void,
  work: (stack: Stack) => Promise<void>,
): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "realtime-relay-bench-" });
  try {
    const relayEnv = { RELAY_JOIN_TIMEOUT_MS: "3600000" };
    await using stack = disposable(await startStack({ dataDir, progress, relayEnv }));
    await work(stack);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

async function withRigs(peers: Peer[], work: (rigs: Rig[]) => Promise<void>): Promise<void> {
  await using started = new AsyncDisposableStack();
  const starting = peers.map(async (peer) => started.use(await startRig(peer)));
  await work(await Promise.all(starting));
}

function disposable<T extends { stop(): Promise<void> }>(part: T): T & AsyncDisposable {
  return Object.assign(part, { [Symbol.asyncDispose]: () => part.stop() });
}
