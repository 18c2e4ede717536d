import type {
  ChannelName,
  DialAnswer,
  JoinAnswer,
  RestAnswer,
  SubscriptionAnswer,
} from "../script/script.ts";
import type { Time } from "../here/time.ts";

/** The faults that hold for a while, and what each says. */
export interface Faults {
  dial: { answer: DialAnswer };
  latency: { addMs: number };
  offline: { is: true };
  joins: { answer: JoinAnswer; channel?: ChannelName; lateMs?: number };
  subscriptions: { answer: SubscriptionAnswer; channel?: ChannelName };
  rest: { answer: RestAnswer };
  token: { answer: "hangs" | "throws" | "late" | "null"; lateMs?: number };
}

type Held = { kind: keyof Faults; fault: Faults[keyof Faults]; until: number };

/** What goes wrong at the moment. */
export class Weather {
  #held: Held[] = [];

  constructor(readonly time: Time) {}

  /** Holds for `ms`, or for good where that is 0; the newest of a kind counts. */
  set<K extends keyof Faults>(kind: K, fault: Faults[K], ms: number): void {
    this.#held.unshift({ kind, fault, until: ms > 0 ? this.time.now + ms : Infinity });
  }

  now<K extends keyof Faults>(kind: K, channel?: string): Faults[K] | undefined {
    const held = this.#held.find(({ kind: its, fault, until }) => {
      const about = (fault as { channel?: string }).channel;
      return its === kind && until > this.time.now && (!about || about === channel);
    });
    return held?.fault as Faults[K] | undefined;
  }

  get isClear(): boolean {
    return this.#held.length === 0;
  }

  /** Ends what does not hold for good. */
  clear(): void {
    this.#held = this.#held.filter(({ until }) => until === Infinity);
  }
}
