import assert from "node:assert/strict";
import { type Dated, Deliveries } from "../../tools/stack/realtime/log/deliveries.ts";
import type { Change, WalMessage } from "../../tools/stack/realtime/log/pgoutput.ts";
import type { Wal } from "../../tools/stack/realtime/log/wal.ts";

const relation = { oid: 1, schema: "public", name: "t", identity: "d" as const, columns: [] };

const change = (id: number, bytes = 10): WalMessage => ({
  kind: "change",
  action: "INSERT",
  relation,
  new: { id: String(id) },
  old: null,
  bytes,
});

/** A transaction of rows, which begins at `at` in the log and ends at `at + 8`. */
function transaction(at: number, ids: number[]): WalMessage[] {
  const begin = {
    kind: "begin" as const,
    transaction: { commit: BigInt(at), timestamp: "T", xid: 0 },
  };
  return [begin, ...ids.map((id) => change(id)), { kind: "commit", end: BigInt(at + 8) }];
}

/** A log that remembers what it was told, and a database that answers when it is let. */
function stage(rowsFor = (_change: Change) => Infinity) {
  const sent: number[] = [];
  const batches: number[][] = [];
  const answers: PromiseWithResolvers<void>[] = [];
  const restarts: Error[] = [];
  const wal = {
    position: 0n,
    delivered(end: bigint) {
      wal.position = end;
    },
    restart: (reason: Error) => restarts.push(reason),
  };
  const prepare = async (batch: Dated[]) => {
    const ids = batch.map(({ change }) => Number(change.new!.id));
    batches.push(ids);
    const answer = Promise.withResolvers<void>();
    answers.push(answer);
    await answer.promise;
    return () => void sent.push(...ids);
  };
  const deliveries = new Deliveries(prepare, rowsFor);
  const take = (messages: WalMessage[]) =>
    messages.map((message) => deliveries.take(message, wal as unknown as Wal));
  /** Answers until nothing more is asked. */
  const answerAll = async () => {
    for (let answered = 0; answered < answers.length; answered++) {
      answers[answered].resolve();
      await settle();
    }
  };
  return { sent, batches, answers, answerAll, restarts, wal, deliveries, take };
}

/** Lets everything happen that can. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("deliveries are made in order, together where several wait", async () => {
  const { sent, batches, answers, wal, take } = stage();
  take(transaction(100, [1]));
  await settle();
  take(transaction(200, [2, 3]));
  take(transaction(300, [4]));
  answers[0].resolve();
  await settle();
  assert.deepEqual([batches, sent, wal.position], [[[1], [2, 3, 4]], [1], 108n]);
  answers[1].resolve();
  await settle();
  assert.deepEqual([sent, wal.position], [[1, 2, 3, 4], 308n]);
});

Deno.test("what was under way when the connection was lost is not sent until it comes again", async () => {
  const { sent, answers, wal, deliveries, take } = stage();
  take(transaction(100, [1]));
  await settle();
  deliveries.drop();
  answers[0].resolve();
  await settle();
  assert.deepEqual([sent, wal.position], [[], 0n]);
  take(transaction(100, [1]));
  await settle();
  answers[1].resolve();
  await settle();
  assert.deepEqual([sent, wal.position], [[1], 108n]);
});

Deno.test("transactions that were delivered and come again are not sent again", async () => {
  const { sent, answerAll, deliveries, take } = stage();
  take([...transaction(100, [1]), ...transaction(200, [2])]);
  await answerAll();
  deliveries.drop();
  take([...transaction(100, [1]), ...transaction(200, [2]), ...transaction(208, [3])]);
  await answerAll();
  assert.deepEqual(sent, [1, 2, 3]);
});

Deno.test("a large transaction is sent in parts, and goes on where it was cut off", async () => {
  const { sent, batches, answers, deliveries, take } = stage(() => 2);
  const all = transaction(100, [1, 2, 3, 4, 5]);
  take(all);
  await settle();
  answers[0].resolve();
  await settle();
  assert.deepEqual(sent, [1, 2]);
  deliveries.drop();
  answers[1].resolve();
  take(all);
  await settle();
  for (const answer of answers.slice(2)) answer.resolve();
  await settle();
  answers.at(-1)!.resolve();
  await settle();
  assert.deepEqual(sent, [1, 2, 3, 4, 5]);
  assert.deepEqual(batches, [[1, 2], [3, 4], [3, 4], [5]]);
});

Deno.test("the log is asked to wait while much of it is not delivered", async () => {
  const { answers, take } = stage();
  const [, first] = take([transaction(100, [])[0], change(1)]);
  assert.equal(first, undefined);
  const asked = take([change(2, 20 * 1024 * 1024)])[0];
  assert.ok(asked instanceof Promise);
  await settle();
  for (const answer of answers) answer.resolve();
  await settle();
  for (const answer of answers) answer.resolve();
  await asked;
});

Deno.test("a database that cannot be asked makes the log come again", async () => {
  const { sent, answers, restarts, take } = stage();
  take(transaction(100, [1]));
  await settle();
  answers[0].reject(new Error("gone"));
  await settle();
  assert.deepEqual([sent, restarts.map(({ message }) => message)], [[], ["gone"]]);
});
