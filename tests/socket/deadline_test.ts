import assert from "node:assert/strict";
import { Waits } from "../../supabase/functions/relay/peer/waits.ts";
import { Deadline } from "../../supabase/functions/relay/socket/deadline.ts";
import { Clock } from "../support/hub/clock.ts";

const HOUR_MS = 3_600_000;
const TICK_MS = 5_000;

Deno.test("deadlines expire to the millisecond, moved ones when they were moved to", async () => {
  using clock = new Clock();
  const expired: number[] = [];
  const start = clock.time;
  const waits = new Waits(TICK_MS);
  setInterval(() => waits.tick(), TICK_MS);
  const deadlines = [1, 59_999, 60_000, 60_001, HOUR_MS + 123, HOUR_MS + 124].map((ms) => {
    const deadline = new Deadline(waits, clock.now, () => expired.push(clock.time - start));
    deadline.set(start + ms);
    return deadline;
  });
  deadlines[0].set(start + 2 * HOUR_MS + 7);
  deadlines[1].clear();
  await clock.pass(3 * HOUR_MS);
  assert.deepEqual(expired, [60_000, 60_001, HOUR_MS + 123, HOUR_MS + 124, 2 * HOUR_MS + 7]);
  assert.equal(clock.pending, 0);
});

Deno.test("of many deadlines those alone are timers that are near", async () => {
  using clock = new Clock();
  const waits = new Waits(TICK_MS);
  setInterval(() => waits.tick(), TICK_MS);
  const deadlines = Array.from({ length: 100 }, (_, n) => {
    const deadline = new Deadline(waits, clock.now, () => {});
    deadline.set(clock.time + HOUR_MS + n);
    return deadline;
  });
  assert.equal(clock.pending, 0);
  await clock.pass(HOUR_MS - 1);
  assert.equal(clock.pending, 100);
  deadlines.forEach((deadline) => deadline.clear());
  assert.equal(clock.pending, 0);
});

Deno.test("a clock that was set ahead is seen within a minute", async () => {
  using clock = new Clock();
  let ahead = 0;
  let isOver = false;
  const now = () => clock.time + ahead;
  const deadline = new Deadline(new Waits(), now, () => isOver = true);
  deadline.set(now() + 2 * HOUR_MS);
  await clock.pass(59_000);
  ahead = 2 * HOUR_MS;
  assert.equal(isOver, false);
  await clock.pass(1_000);
  assert.equal(isOver, true);
});
