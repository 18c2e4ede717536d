import assert from "node:assert/strict";
import { Awake, LOOK_MS } from "../../supabase/functions/relay/peer/awake.ts";
import { Clock } from "../support/hub/clock.ts";

/** A worker's clocks; it is looked at the one that stands still with the worker, where `isWatched`. */
function startWorker(isWatched = true) {
  const clock = new Clock();
  const awake = new Awake(clock.now, isWatched);
  if (isWatched) setInterval(() => awake.tick(), LOOK_MS);
  return { clock, awake };
}

Deno.test("whoever is waited for has their time, and is heard first, where the worker stood still", async () => {
  for (const [before, stand] of [[4_000, 60_000], [9_999, 60_000], [9_700, 1_000], [0, 10_000]]) {
    const { clock, awake } = startWorker();
    using _ = clock;
    let isOver = false;
    awake.after(10_000, () => isOver = true);
    await clock.pass(before);
    clock.time += stand;
    // What has come is read behind the timers that were due.
    await clock.pass(400);
    assert.ok(!isOver, `${stand} ms after ${before} ms`);
    await clock.pass(10_100 - before);
    assert.ok(isOver, `${stand} ms after ${before} ms`);
  }
});

Deno.test("a wait is as long as it is to be where the worker runs, or nobody looks", async () => {
  for (const isWatched of [true, false]) {
    const { clock, awake } = startWorker(isWatched);
    using _ = clock;
    const start = clock.time;
    const done: number[] = [];
    for (const ms of [1, 700, 10_000]) awake.after(ms, () => done.push(clock.time - start));
    const stop = awake.after(5_000, () => done.push(NaN));
    await clock.pass(4_000);
    stop();
    await clock.pass(20_000);
    assert.deepEqual(done, [1, 700, 10_000]);
  }
});

Deno.test("of many waits those alone have a timer that are nearly over", async () => {
  const { clock, awake } = startWorker();
  using _ = clock;
  let over = 0;
  const stops = Array.from({ length: 100 }, (_, n) => awake.after(60_000 + n, () => over++));
  assert.equal(clock.pending, 0);
  await clock.pass(59_999);
  assert.equal(clock.pending, 100);
  stops.slice(50).forEach((stop) => stop());
  assert.equal(clock.pending, 50);
  await clock.pass(200);
  assert.equal(over, 50);
});

Deno.test("a standstill is known from the last look on, to whoever was there before its end", async () => {
  const { clock, awake } = startWorker();
  using _ = clock;
  await clock.pass(10_200);
  const stopped = clock.time;
  clock.time += 12_000;
  assert.equal(awake.stoodSince(stopped - 5_000), stopped - 200, "also before the timers run");
  await clock.pass(30_000);
  clock.time += 3_000;
  await clock.pass(1_000);
  assert.equal(awake.stoodSince(0), stopped - 200, "the first of several");
  assert.equal(awake.stoodSince(stopped + 20_000), stopped + 42_000 - 200);
  assert.equal(awake.stoodSince(clock.time - 500), undefined);
});

Deno.test("a worker that is busy for a moment has not stood still", async () => {
  const { clock, awake } = startWorker();
  using _ = clock;
  const start = awake.look();
  for (let n = 0; n < 10; n++) {
    await clock.pass(LOOK_MS);
    clock.time += 90;
  }
  await clock.pass(0);
  assert.equal(awake.look() - start, 10 * (LOOK_MS + 90));
  assert.equal(awake.stoodSince(0), undefined);
});
