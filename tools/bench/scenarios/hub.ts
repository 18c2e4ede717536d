import { type Peer, type Rig, startRig } from "../peers/peer.ts";
import type { Samples } from "../samples.ts";
import { nameOf } from "./carry.ts";
import { SETTLE_MS } from "./set_up.ts";

export interface HubPlan {
  viewers: number;
  rounds: number;
  /** Frames that upstream sends in a measurement. */
  frames: number;
  /** Processes, one after the other, whose memory and set-up are measured. */
  starts: number;
  /** Deliveries that are not counted: until then the code is not what it is later. */
  warmUp: number;
}

const TOPIC = "realtime:clicks";

/** What supabase-js sends for a channel that listens to one table. */
export const JOIN = {
  topic: TOPIC,
  payload: {
    config: {
      broadcast: { ack: false, self: false },
      presence: { key: "", enabled: false },
      postgres_changes: [{ event: "INSERT", schema: "public", table: "url_clicks" }],
      private: false,
    },
  },
  /** The reply, and the word that the changes are subscribed. */
  replies: 2,
};

const SIZE = 300;

/** So many come and go before, so that the code itself is not counted as a viewer's memory. */
const WARM_UP = 100;

/** Those that share, and in the same rounds a proxy that carries the same messages one to one. */
export async function measureHub(
  sharing: Peer[],
  yardstick: Peer | undefined,
  plan: HubPlan,
  samples: Samples,
): Promise<void> {
  const { viewers, rounds, frames, starts, warmUp } = plan;
  for (let start = 1; start < starts; start++) {
    for (const peer of sharing) {
      await using rig = await startRig(peer);
      await measureJoins(rig, plan, samples);
    }
  }
  await using started = new AsyncDisposableStack();
  const rigs: Rig[] = [];
  for (const peer of sharing) rigs.push(started.use(await startRig(peer)));
  for (const rig of rigs) await measureJoins(rig, plan, samples);
  const single = yardstick && started.use(await startRig(yardstick));
  await single?.open(viewers);
  const messages = frames * viewers;
  const deliver = ({ load }: Rig) => () =>
    load === single?.load
      ? load.tell("carry", { kind: "text", size: SIZE, messages })
      : load.tell("fan", { topic: TOPIC, size: SIZE, messages: frames });
  for (let round = -Math.ceil(warmUp / messages); round < rounds; round++) {
    for (const rig of single ? [...rigs, single] : rigs) {
      const { us } = await rig.measure(deliver(rig));
      if (round < 0) continue;
      const scenario = `delivery of text 300 B, ${viewers} viewers`;
      samples.add(scenario, "µs CPU a delivery", nameOf(rig), us / messages);
    }
  }
}

async function measureJoins(rig: Rig, plan: HubPlan, samples: Samples): Promise<void> {
  const { load } = rig;
  const { viewers, frames } = plan;
  const [many, name] = [`${viewers} viewers`, nameOf(rig)];
  await rig.open(WARM_UP, false);
  await load.tell("join", JOIN);
  await load.tell("fan", { topic: TOPIC, size: SIZE, messages: frames });
  await load.tell("close");
  const before = rig.memory();
  const { us } = await rig.measure(async () => {
    await rig.open(viewers, false);
    await load.tell("join", JOIN);
  });
  await load.tell("idle", { ms: SETTLE_MS });
  samples.add(`set-up of a viewer and its join, ${many}`, "µs CPU a viewer", name, us / viewers);
  // No more of them than before find their memory ready.
  if (viewers > WARM_UP) {
    const memory = (rig.memory() - before) / viewers;
    samples.add(`memory of a viewer, ${many}`, "kB a viewer", name, memory);
  }
  const upstreams = await load.tell<number>("upstreams");
  samples.add(`sockets to Realtime, ${many}`, "sockets", name, upstreams);
}
