import { nameOf, type Peer } from "../peers/peer.ts";
import { type Rig, startRig } from "../rig.ts";
import type { Samples } from "../samples.ts";

/** CPU from the request to the first message through the new socket, so many in a measurement. */
export async function measureSetUp(
  rigs: Rig[],
  { rounds, sockets }: { rounds: number; sockets: number },
  samples: Samples,
): Promise<void> {
  for (let round = -1; round < rounds; round++) {
    for (const rig of rigs) {
      const { us } = await rig.measure(() => rig.open(sockets));
      await rig.load.tell("close");
      if (round >= 0) {
        samples.add("set-up of a socket", "µs CPU a socket", nameOf(rig.peer), us / sockets);
      }
    }
  }
}

/** So many sockets come and go first: what the code itself takes is not a socket's. */
const WARM_UP = 100;

/** After this the handshakes are over for everybody. */
export const SETTLE_MS = 500;

/** What open sockets take that carry nothing, each time in processes that have just started. */
export async function measureIdle(
  peers: Peer[],
  { rounds, sockets }: { rounds: number; sockets: number },
  samples: Samples,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const peer of peers) {
      await using rig = await startRig(peer);
      await rig.open(WARM_UP);
      await rig.load.tell("close");
      const before = rig.memory();
      await rig.open(sockets);
      await rig.load.tell("idle", { ms: SETTLE_MS });
      const kb = (rig.memory() - before) / sockets;
      samples.add(
        `memory of an idle socket, ${sockets} sockets`,
        "kB a socket",
        nameOf(rig.peer),
        kb,
      );
      await rig.load.tell("close");
    }
  }
}
