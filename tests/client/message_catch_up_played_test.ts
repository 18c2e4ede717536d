/** Writers with overlapping transactions, and a line that is lost at random: nothing is missed. */
import assert from "node:assert/strict";
import { givenSeed, orFinding } from "../support/finding.ts";
import { broadcast } from "./support/session_rig.ts";
import { TOPIC, Watched } from "./support/watched.ts";

const SEED = givenSeed ?? crypto.getRandomValues(new Uint32Array(1))[0];
const PLAYS = 300;
const MOVES = 120;

/** No transaction is open for longer: that is what is promised. */
const OPEN_MS = 25_000;

interface Transaction {
  began: number;
  /** What it has changed, and so locked. */
  changes: { row: number; seq: number }[];
}

class Play {
  readonly #watched: Watched;
  readonly #open = new Set<Transaction>();
  /** When each message was committed. */
  readonly #sent = new Map<string, number>();
  readonly #below: (n: number) => number;
  readonly #joined: number;
  #seq = 0;
  #isUp = true;

  constructor(watched: Watched, below: (n: number) => number) {
    this.#watched = watched;
    this.#below = below;
    this.#joined = watched.rig.time;
    watched.database.page = 3 + below(12);
  }

  async move(): Promise<void> {
    const { rig } = this.#watched;
    const below = this.#below;
    rig.time += below(4) === 0 ? below(8_000) : below(400);
    rig.tell({ is: "due" });
    for (const transaction of this.#open) {
      if (rig.time - transaction.began > OPEN_MS - 9_000) this.#commit(transaction);
    }
    const [transaction] = [...this.#open].slice(below(this.#open.size || 1));
    const moves = [
      () => void this.#open.add({ began: rig.time, changes: [] }),
      () => transaction && this.#change(transaction),
      () => transaction && this.#change(transaction),
      () => transaction && this.#commit(transaction),
      () => this.#turn(),
      () => this.#turn(),
      // A part of what is read has come when something else happens.
      () => Promise.resolve(),
      () => rig.settle(),
    ];
    await moves[below(moves.length)]();
  }

  /** Between two pages one transaction ends, and another that has waited for its row. */
  #whileRead(): void {
    const { time } = this.#watched.rig;
    for (const openMs of [20_000, 100]) {
      const began = Math.max(time - this.#below(openMs), this.#joined);
      const transaction = { began, changes: [] };
      this.#open.add(transaction);
      for (let row = 0; row < 3; row++) this.#change(transaction, row);
      this.#commit(transaction);
    }
  }

  #change({ changes }: Transaction, row = this.#below(3)): void {
    const isLocked = [...this.#open].some((other) =>
      other.changes !== changes && other.changes.some((change) => change.row === row)
    );
    if (!isLocked) changes.push({ row, seq: ++this.#seq });
  }

  #commit(transaction: Transaction): void {
    const { rig, database, link } = this.#watched;
    this.#open.delete(transaction);
    for (const { row, seq } of transaction.changes) {
      const payload = {
        operation: "UPDATE",
        schema: "public",
        table: "t",
        record: { id: row },
        seq,
      };
      database.send(`${seq}`, payload, rig.time - transaction.began);
      this.#sent.set(`${seq}`, rig.time);
      if (this.#isUp) rig.bring(link, broadcast(TOPIC, payload, `${seq}`));
    }
  }

  #turn(): void {
    const { rig } = this.#watched;
    if (this.#isUp) this.#watched.lose();
    else {
      if (this.#below(3) === 0) rig.time += this.#below(600_000);
      for (const transaction of this.#open) {
        if (rig.time - transaction.began > OPEN_MS) this.#open.delete(transaction);
      }
      if (this.#below(4) === 0) this.#watched.database.meanwhile[0] = () => this.#whileRead();
      this.#watched.back();
    }
    this.#isUp = !this.#isUp;
  }

  async end(): Promise<void> {
    const { rig } = this.#watched;
    if (!this.#isUp) this.#turn();
    for (const transaction of this.#open) this.#commit(transaction);
    for (let i = 0; i < 60; i++) await rig.settle();
    // Nobody answers a replay here: where it stands in, a gap is told.
    rig.time += 40_000;
    rig.tell({ is: "due" });
    await rig.settle();
  }

  /** Each message once and, of a row, in order; what is not there is told. */
  check(): { read: number; told: number } {
    const { rig, gaps, payloads } = this.#watched;
    const rows = new Map<number, number>();
    const had = new Set<string>();
    for (const payload of payloads) {
      const { seq, record } = payload as { seq: number; record: { id: number } };
      assert.ok(seq > (rows.get(record.id) ?? 0), `${seq} of row ${record.id} in order`);
      rows.set(record.id, seq);
      had.add(`${seq}`);
    }
    assert.equal(had.size, payloads.length, "each once");
    const told = gaps.filter(({ missing }) => missing === "events");
    for (const [seq, at] of this.#sent) {
      const isTold = told.some(({ from, to }) => at >= (from as number) && at <= (to as number));
      assert.ok(
        had.has(seq) || isTold || at < this.#joined,
        `${seq}, committed at ${at}, is there`,
      );
    }
    // Here minutes pass while a page is read: what takes too long says so.
    const unexplained = told.filter(({ reason }) => !reason);
    return { read: rig.session.figures.caughtUp, told: unexplained.length };
  }
}

/** Numbers below another, the same for the same seed. */
function dice(seed: number): (n: number) => number {
  let state = seed % 2_147_483_646 + 1;
  return (n) => (state = state * 48_271 % 2_147_483_647) % n;
}

Deno.test("whatever is lost when, each message of the database comes once and in its row's order", async () => {
  const all = { read: 0, told: 0 };
  for (let n = 0; n < PLAYS; n++) {
    const seed = SEED + n;
    await orFinding(seed, "the play", async () => {
      const watched = await Watched.join({ databaseOnly: true });
      const play = new Play(watched, dice(seed));
      for (let i = 0; i < MOVES; i++) await play.move();
      await play.end();
      const { read, told } = play.check();
      all.read += read;
      all.told += told;
    });
  }
  assert.ok(all.read > PLAYS, `${all.read} were read again`);
  assert.ok(all.told < PLAYS / 100, `${all.told} gaps`);
});
