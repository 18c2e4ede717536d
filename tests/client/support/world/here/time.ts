import { setImmediate } from "node:timers";

interface Timer {
  id: number;
  at: number;
  order: number;
  kind?: Kind;
  then: () => void;
}

/** What a page does by itself, and what comes to it; what happens elsewhere has none. */
type Kind = "timer" | "arrival";

/** Twenty turns are more than what hangs on one frame; only fetch and token() chain deeper. */
const TURNS = 20;

/**
 * A world's time. While it runs, the globals that realtime-js and supabase-js wait by are its own:
 * `setTimeout`, `clearTimeout` and `Date.now`.
 */
export class Time {
  /** True time, in ms since the epoch: nobody's clock shows it. */
  now = Date.UTC(2026, 10, 28, 12);
  /** How far the clock of the client's machine is ahead. */
  skew = 0;
  /** The client's is never set back: it was so far ahead of that machine's. */
  #held = 0;
  #shown = -Infinity;
  /** How far it was ahead of true time, and since when. */
  readonly #aheads: { since: number; by: number }[] = [];
  /** Told of what a timer's work throws, and of promises that are rejected and nobody looks at. */
  onThrow: (error: unknown) => void = () => {};
  /** Something is under way that takes many turns to settle. */
  isDeep = false;
  /** The page stands still until then: its timers run late, and what came meanwhile comes after them. */
  frozenUntil = 0;
  readonly #heap: Timer[] = [];
  readonly #cancelled = new Set<number>();
  #count = 0;
  #real = { setTimeout, clearTimeout };
  #realNow = Date.now;

  #rejected = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    this.onThrow(event.reason);
  };

  /** Takes the globals. */
  begin(): void {
    Object.assign(globalThis, {
      setTimeout: (then: () => void, ms?: number) => this.later(ms ?? 0, then, "timer"),
      clearTimeout: (id: number) => this.cancel(id),
    });
    Date.now = () => Math.floor(this.now + this.skew);
    addEventListener("unhandledrejection", this.#rejected);
  }

  /** Gives them back. */
  end(): void {
    Object.assign(globalThis, this.#real);
    Date.now = this.#realNow;
    removeEventListener("unhandledrejection", this.#rejected);
  }

  /** Somebody sets the clock of the client's machine. */
  setClock(byMs: number): void {
    this.skew += byMs;
    if (byMs > 0) this.#note();
  }

  /** The client looks at that clock. */
  look(): number {
    const at = Math.floor(this.now + this.skew);
    this.#held = Math.max(this.#held, this.#shown - at);
    this.#shown = at + this.#held;
    this.#note();
    return at;
  }

  #note(): void {
    const by = this.skew + this.#held;
    if (this.#aheads.at(-1)?.by !== by) this.#aheads.push({ since: this.now, by });
  }

  /** The true time of what the client's clock has shown; what it has passed over was when it did. */
  trueOf(shown: number): number {
    const aheads = this.#aheads;
    const i = Math.max(0, aheads.findLastIndex(({ since, by }) => shown >= Math.floor(since + by)));
    return Math.min(shown - aheads[i].by, aheads[i + 1]?.since ?? Infinity);
  }

  later(ms: number, then: () => void, kind?: Kind): number {
    const id = ++this.#count;
    const at = this.now + Math.max(0, Number.isFinite(ms) ? ms : 0);
    this.#push({ id, at, order: id, then, kind });
    return id;
  }

  cancel(id: number | null | undefined): void {
    if (id) this.#cancelled.add(id);
  }

  /** Lets the promises run that are settled. */
  async settle(): Promise<void> {
    if (this.isDeep) {
      this.isDeep = false;
      await new Promise<void>((go) => setImmediate(go));
    } else {
      for (let i = 0; i < TURNS; i++) await undefined;
    }
  }

  /** Lets time pass, timer by timer; `look` is called when each has settled. False ends it early. */
  async until(end: number, look: () => boolean): Promise<boolean> {
    await this.settle();
    while (this.#heap.length > 0 && this.#heap[0].at <= end) {
      const { id, at, then, kind } = this.#pop();
      if (this.#cancelled.delete(id)) continue;
      const thaw = this.frozenUntil + (kind === "arrival" ? 1 : 0);
      if (kind && at <= thaw) {
        // In the order in which they were due.
        this.#push({ id, at: thaw, order: ++this.#count, then });
        continue;
      }
      this.now = Math.max(this.now, at);
      try {
        then();
      } catch (error) {
        this.onThrow(error);
      }
      await this.settle();
      if (!look()) return false;
    }
    this.now = Math.max(this.now, end);
    return look();
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let i = heap.push(timer) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(heap[i], heap[parent])) break;
      [heap[i], heap[parent]] = [heap[parent], heap[i]];
      i = parent;
    }
  }

  #pop(): Timer {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    heap[0] = last;
    for (let i = 0;;) {
      const [left, right] = [2 * i + 1, 2 * i + 2];
      let least = i;
      if (left < heap.length && isBefore(heap[left], heap[least])) least = left;
      if (right < heap.length && isBefore(heap[right], heap[least])) least = right;
      if (least === i) return first;
      [heap[i], heap[least]] = [heap[least], heap[i]];
      i = least;
    }
  }
}

const isBefore = (a: Timer, b: Timer) => a.at < b.at || (a.at === b.at && a.order < b.order);
