import { type Peer, startRig } from "../peers/peer.ts";
import type { Samples } from "../samples.ts";
import { nameOf } from "./carry.ts";

export interface HubPlan {
  viewers: number;
  rounds: number;
  /** Frames that upstream sends in a measurement. */
  frames: number;
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

/** The hub, and in the same rounds a proxy that carries the same messages one to one. */
export async function measureHub(
  hub: Peer,
  yardstick: Peer | undefined,
  { viewers, rounds, frames, warmUp }: HubPlan,
  samples: Samples,
): Promise<void> {
  await using shared = await startRig(hub);
  await using single = yardstick ? await startRig(yardstick) : undefined;
  const [many, name] = [`${viewers} viewers`, nameOf(shared)];
  await shared.open(WARM_UP, false);
  await shared.load.tell("join", JOIN);
  await shared.load.tell("fan", { topic: TOPIC, size: SIZE, messages: frames });
  await shared.load.tell("close");
  const before = shared.memory();
  const setUp = await shared.measure(async () => {
    await shared.open(viewers, false);
    await shared.load.tell("join", JOIN);
  });
  samples.add(
    `set-up of a viewer and its join, ${many}`,
    "µs CPU a viewer",
    name,
    setUp.us / viewers,
  );
  const memory = (shared.memory() - before) / viewers;
  samples.add(`memory of a viewer, ${many}`, "kB a viewer", name, memory);
  const upstreams = await shared.load.tell<number>("upstreams");
  samples.add(`sockets to Realtime, ${many}`, "sockets", name, upstreams);
  await single?.open(viewers);
  const delivery = `delivery of text 300 B, ${many}`;
  const unit = "µs CPU a delivery";
  const warmUps = Math.ceil(warmUp / viewers / frames);
  for (let round = -warmUps; round < rounds; round++) {
    const fan = { topic: TOPIC, size: SIZE, messages: frames };
    const { us } = await shared.measure(() => shared.load.tell("fan", fan));
    if (round >= 0) samples.add(delivery, unit, name, us / frames / viewers);
    if (!single) continue;
    const messages = frames * viewers;
    const carry = { kind: "text", size: SIZE, messages };
    const alone = await single.measure(() => single.load.tell("carry", carry));
    if (round >= 0) samples.add(delivery, unit, nameOf(single), alone.us / messages);
  }
  await shared.load.tell("close");
  await single?.load.tell("close");
}
