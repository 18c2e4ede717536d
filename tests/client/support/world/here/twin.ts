import type { RealtimeClient } from "@supabase/supabase-js";
import { CHANNELS } from "../script/script.ts";
import type { Payload } from "../there/frames.ts";
import type { World } from "../world.ts";

/** What it joins, and its own records of. */
const ROOM = CHANNELS.room.topic;
export const TWIN = "twin of ";

/** Another client on the transport of the application, which has a session of its own. */
export class Twin {
  #client?: RealtimeClient;

  constructor(readonly world: World, readonly make: () => RealtimeClient) {}

  /** It comes, or goes. */
  turn(): void {
    const { world } = this;
    const { time, ledger } = world;
    const record = ledger.record(TWIN + ROOM);
    if (this.#client) {
      const { stay } = record;
      if (stay) Object.assign(stay, { to: time.now, end: "left", liveAt: time.now });
      this.#client.disconnect().catch(() => {});
      this.#client = undefined;
      return;
    }
    const client = this.#client = this.make();
    world.hasTwin = true;
    const channel = client.channel(ROOM);
    channel.on("broadcast", { event: "*" }, ({ payload }: Payload) => {
      const id = `p${(payload as Payload).n}`;
      const emission = record.emissions.get(id);
      if (!emission || client !== this.#client) return;
      if (emission.deliveredAt !== undefined) ledger.breaks("once", `${id} came twice to the twin`);
      emission.deliveredAt = time.now;
      record.delivered.push(emission);
    });
    channel.on("system" as never, {} as never, (message: Payload) => {
      if (message.status === "gap") record.tell(message, time);
    });
    channel.subscribe((status) => {
      if (client !== this.#client) return;
      ledger.note(`told the twin ${status}`);
      if (status === "SUBSCRIBED") {
        if (!record.stay) record.stays.push({ from: time.now, to: Infinity, skew: time.skew });
      } else if (record.stay) Object.assign(record.stay, { to: time.now, end: "told" });
    });
  }
}
