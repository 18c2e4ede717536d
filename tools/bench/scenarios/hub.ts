import { nameOf, type Peer } from "../peers/peer.ts";
import { type Rig, startRig } from "../rig.ts";
import type { Samples } from "../samples.ts";
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
  /** Whether bursts come as well: 200 frames to each are seconds of CPU for a round of 5,000. */
  bursts: boolean;
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

/** How upstream sends: alone, as the rows of a commit are, and as a busy program does. */
const STREAMS = [
  { name: "", together: 1 },
  { name: ", 20 rows a commit", together: 20 },
  { name: ", 20 sends a millisecond apart", together: 20, gapMs: 1 },
  { name: ", a burst of 200", together: 200 },
];

/** More than that is a burst. */
const MOST_IN_A_COMMIT = 20;

/** So many come and go before, so that the code itself is not counted as a viewer's memory. */
const WARM_UP = 100;

/** Those that share, and in the same rounds a proxy that carries the same messages one to one. */
export async function measureHub(
  sharing: Peer[],
  yardstick: Peer | undefined,
  plan: HubPlan,
  samples: Samples,
): Promise<void> {
  const { viewers, rounds, frames, starts, warmUp, bursts } = plan;
  const streams = STREAMS.filter(({ together }) => bursts || together <= MOST_IN_A_COMMIT);
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
  const countOf = ({ together }: { together: number }) => Math.max(frames, together);
  const inRound = streams.reduce((sum, stream) => sum + countOf(stream), 0) * viewers;
  for (let round = -Math.ceil(warmUp / inRound); round < rounds; round++) {
    for (const stream of streams) {
      const messages = countOf(stream);
      for (const rig of rigs) {
        const fan = { topic: TOPIC, size: SIZE, ...stream, messages };
        let ms = 0;
        const { us } = await rig.measure(async () => {
          ({ ms } = await rig.load.tell<{ ms: number }>("fan", fan));
        });
        if (round < 0) continue;
        add(rig, stream.name, us / messages / viewers, ms);
      }
      if (!single) continue;
      const carry = { kind: "text", size: SIZE, messages: frames * viewers };
      const { us } = await single.measure(() => single.load.tell("carry", carry));
      if (round >= 0) add(single, stream.name, us / carry.messages);
    }
  }

  function add({ peer }: Rig, stream: string, us: number, ms?: number): void {
    const scenario = `text 300 B${stream}, ${viewers} viewers`;
    samples.add(`delivery of ${scenario}`, "µs CPU a delivery", nameOf(peer), us);
    if (ms === undefined) return;
    samples.add(`upstream to the last viewer, ${scenario}`, "ms", nameOf(peer), ms);
  }
}

async function measureJoins(rig: Rig, plan: HubPlan, samples: Samples): Promise<void> {
  const { load } = rig;
  const { viewers, frames } = plan;
  const [many, name] = [`${viewers} viewers`, nameOf(rig.peer)];
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
