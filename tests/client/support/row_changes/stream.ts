import type { Figures, Gap } from "../exactly_once/feed.ts";
import type { Change, Order, Sent } from "./table.ts";

/** What the channel of one room gave to the application, in the order in which it came. */
export class Stream {
  readonly changes: Change[] = [];
  /** Binary messages, as numbers. */
  readonly numbers: number[] = [];
  readonly gaps: Gap[] = [];
  readonly statuses: string[] = [];
  /** What messages look like: live ones and those that were read are not to be told apart. */
  readonly shapes = new Set<string>();
  #newest = 0;
  #waiting: (() => void)[] = [];

  constructor(readonly room: string) {}

  take(message: { event: string; payload: unknown }): void {
    const { event, payload } = message;
    if (event === "number") {
      this.numbers.push(new DataView(payload as ArrayBuffer).getUint32(0));
    } else {
      const change = payload as Change;
      this.changes.push(change);
      this.#newest = Math.max(this.#newest, change.seq);
    }
    const shape = Object.entries(message).map(([key, value]) => `${key}: ${typeof value}`);
    this.shapes.add(shape.sort().join());
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Resolves when a change came with a `seq` above this. */
  async beyond(seq: number): Promise<void> {
    while (this.#newest <= seq) await new Promise<void>((wake) => this.#waiting.push(wake));
  }

  /** Compares what came with what was sent. Out of order is a change behind a newer one of its row. */
  judge(sent: Sent[]): Figures {
    const seen = new Set<number>();
    const rows = new Map<number, number>();
    const late: number[] = [];
    let twice = 0;
    for (const { record, old_record, seq } of this.changes) {
      const { id } = (record ?? old_record)!;
      if (seen.has(seq)) twice++;
      else if (seq < (rows.get(id) ?? 0)) late.push(seq);
      seen.add(seq);
      rows.set(id, Math.max(seq, rows.get(id) ?? 0));
    }
    const untold = sent.filter(({ at }) =>
      !this.gaps.some(({ from, to }) => from <= at && at <= to)
    );
    const lost = (changes: Sent[]) => changes.filter(({ seq }) => !seen.has(seq)).length;
    return {
      expected: sent.length,
      arrived: sent.length - lost(sent),
      twice,
      late: late.length,
      untoldLate: untold.filter(({ seq }) => late.includes(seq)).length,
      gaps: this.gaps.length,
      unreported: lost(untold),
      troubles: this.statuses.filter((status) => status !== "SUBSCRIBED").length,
    };
  }

  /** The room's rows as somebody knows them who applies each change as it comes, and nothing else. */
  get computed(): Order[] {
    const rows = new Map<number, Order>();
    for (const { operation, record, old_record } of this.changes) {
      if (operation === "DELETE") rows.delete(old_record!.id);
      else rows.set(record!.id, record!);
    }
    return [...rows.values()].sort((a, b) => a.id - b.id);
  }
}
