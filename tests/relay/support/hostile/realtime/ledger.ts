import type { Time } from "../world/time.ts";
import type { Emission } from "./emission.ts";

/** All that Realtime has sent out: in its order, and by number. */
export class Ledger {
  readonly byNumber = new Map<number, Emission>();
  /** The size of the largest. */
  largest = 0;
  readonly #orders = new Map<string, Emission[]>();

  constructor(readonly time: Time) {}

  /** The order that an emission of this kind stands in: that of its topic, or of all changes. */
  orderOf(kind: Emission["kind"], topic: string, isPrivate: boolean): Emission[] {
    const name = kind === "change" ? kind : `${topic} ${isPrivate}`;
    let order = this.#orders.get(name);
    if (!order) this.#orders.set(name, order = []);
    return order;
  }

  broadcast(n: number, topic: string, isPrivate: boolean, size: number, sender?: number): Emission {
    const what = { kind: "broadcast" as const, topic, private: isPrivate, table: "", slug: "" };
    return this.#note({ n, ...what, size, sender });
  }

  change(n: number, table: string, slug: string, size: number): Emission {
    const what = { kind: "change" as const, topic: "", private: false, table, slug };
    return this.#note({ n, ...what, size, sender: undefined });
  }

  /** Bytes that were sent out since. */
  since(time: number, overhead: number): number {
    let sum = 0;
    for (const { at, size } of this.byNumber.values()) if (at >= time) sum += size + overhead;
    return sum;
  }

  #note(what: Omit<Emission, "place" | "at">): Emission {
    const order = this.orderOf(what.kind, what.topic, what.private);
    const emission = { ...what, place: order.length, at: this.time.now };
    order.push(emission);
    this.byNumber.set(emission.n, emission);
    this.largest = Math.max(this.largest, emission.size);
    return emission;
  }
}
