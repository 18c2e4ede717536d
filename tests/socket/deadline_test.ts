import assert from "node:assert/strict";
import { Deadline } from "../../supabase/functions/relay/socket/deadline.ts";
import { Clock } from "../support/hub/clock.ts";

const HOUR_MS = 3_600_000;
const TICK_MS = 5_000;

Deno.test("deadlines expire to the millisecond, moved ones when they were moved to", async () => {
  using clock = new Clock();
  const expired: number[] = [];
  const start = clock.time;
  const deadlines = [1, 9_999, 10_000, 10_001, HOUR_MS + 123, HOUR_MS + 124].map((ms) => {
    const deadline = new Deadline(clock.now, () => expired.push(clock.time - start));
    deadline.set(start + ms);
    return deadline;
  });
  setInterval(() => deadlines.forEach((deadline) => deadline.look()), TICK_MS);
  deadlines[0].set(start + 2 * HOUR_MS + 7);
  deadlines[1].clear();
  await clock.pass(3 * HOUR_MS);
  assert.deepEqual(expired, [10_000, 10_001, HOUR_MS + 123, HOUR_MS + 124, 2 * HOUR_MS + 7]);
  assert.equal(clock.pending, 0);
});

Deno.test("of many deadlines those alone are timers that are near", async () => {
  using clock = new Clock();
  const deadlines = Array.from({ length: 100 }, (_, n) => {
    const deadline = new Deadline(clock.now, () => {});
    deadline.set(clock.time + HOUR_MS + n);
    return deadline;
  });
  setInterval(() => deadlines.forEach((deadline) => deadline.look()), TICK_MS);
  assert.equal(clock.pending, 0);
  await clock.pass(HOUR_MS - 1);
  assert.equal(clock.pending, 100);
  deadlines.forEach((deadline) => deadline.clear());
  assert.equal(clock.pending, 0);
});

Deno.test("a clock that is set is seen at the next look, ahead or back", async () => {
  using clock = new Clock();
  let ahead = 0;
  let isOver = false;
  const deadline = new Deadline(() => clock.time + ahead, () => isOver = true);
  deadline.set(clock.time + 2 * HOUR_MS);
  setInterval(() => deadline.look(), TICK_MS);
  await clock.pass(TICK_MS - 1);
  ahead = 2 * HOUR_MS - TICK_MS - 500;
  await clock.pass(1);
  assert.equal(isOver, false);
  ahead -= 1_000;
  await clock.pass(1_499);
  assert.equal(isOver, false, "the clock was set back");
  await clock.pass(1);
  assert.equal(isOver, true);
});
