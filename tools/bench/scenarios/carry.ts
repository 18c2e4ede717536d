import { nameOf } from "../peers/peer.ts";
import type { Rig, Taken } from "../rig.ts";
import type { Samples } from "../samples.ts";

export interface CarryPlan {
  sockets: number;
  rounds: number;
  /** A measurement carries so many messages, over all sockets. */
  messages: number;
}

const KINDS = [
  { name: "text 300 B", command: "carry", kind: "text", size: 300 },
  { name: "binary 300 B", command: "carry", kind: "binary", size: 300 },
  { name: "text 16 kB", command: "carry", kind: "text", size: 16_384 },
  { name: "echo 300 B", command: "echo", kind: "text", size: 300 },
] as const;

/** Rounds that are not counted: cold code. */
const WARM_UP = 2;

/** CPU a message from upstream to the clients, and of an echo with its time, for all peers in turn. */
export async function measureCarry(rigs: Rig[], plan: CarryPlan, samples: Samples): Promise<void> {
  const { sockets, rounds, messages } = plan;
  for (const rig of rigs) await rig.open(sockets);
  for (let round = -WARM_UP; round < rounds; round++) {
    for (const { name, command, ...message } of KINDS) {
      for (const rig of rigs) {
        let times: { p50: number; p99: number } | null = null;
        const count = command === "echo" || message.size > 300 ? messages / 2 : messages;
        const taken = await rig.measure(async () => {
          times = await rig.load.tell(command, { ...message, messages: count });
        });
        if (round < 0) continue;
        const scenario = `${name}, ${plural(sockets)}`;
        const unit = command === "echo" ? "µs CPU an echo" : "µs CPU a message";
        samples.add(scenario, unit, nameOf(rig.peer), taken.us / count);
        if (name === "text 300 B") addShares(samples, plural(sockets), nameOf(rig.peer), taken);
        if (times && sockets === 1) addTimes(samples, nameOf(rig.peer), times);
      }
    }
  }
  for (const { load } of rigs) await load.tell("close");
}

export const plural = (sockets: number) => sockets === 1 ? "1 socket" : `${sockets} sockets`;

/** Which of the two was at its limit: a proxy below its core, and a load above, waited for the load. */
function addShares(samples: Samples, sockets: string, peer: string, { proxy, load }: Taken): void {
  samples.add(`core of the proxy, ${sockets}`, "% busy", peer, proxy * 100);
  samples.add(`core of the load, ${sockets}`, "% busy", peer, load * 100);
}

function addTimes(
  samples: Samples,
  peer: string,
  { p50, p99 }: { p50: number; p99: number },
): void {
  samples.add("echo 300 B, round trip, median", "µs", peer, p50 * 1000);
  samples.add("echo 300 B, round trip, 99 of 100", "µs", peer, p99 * 1000);
}
