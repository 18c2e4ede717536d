import { nameOf } from "../peers/peer.ts";
import type { Rig } from "../rig.ts";
import type { Samples } from "../samples.ts";

export interface PassPlan {
  rounds: number;
  /** That are open meanwhile, and idle. */
  sockets: number;
  requests: number;
}

/** What a request for the rest of the project costs, beside sockets. */
export async function measurePass(rigs: Rig[], plan: PassPlan, samples: Samples): Promise<void> {
  const { rounds, sockets, requests } = plan;
  const scenario = `HTTP request beside ${sockets} sockets`;
  for (const rig of rigs) await rig.open(sockets);
  for (let round = -1; round < rounds; round++) {
    for (const rig of rigs) {
      let ms = 0;
      const { us } = await rig.measure(async () => {
        ({ ms } = await rig.request(requests));
      });
      if (round < 0) continue;
      samples.add(scenario, "µs CPU a request", nameOf(rig.peer), us / requests);
      samples.add(`${scenario}, time`, "ms", nameOf(rig.peer), ms);
    }
  }
  for (const { load } of rigs) await load.tell("close");
}
