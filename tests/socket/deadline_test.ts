import assert from "node:assert/strict";
import { Deadline } from "../../supabase/functions/relay/socket/deadline.ts";
import { Clock } from "../support/hub/clock.ts";

const HOUR_MS = 3_600_000;

Deno.test("deadlines expire to the millisecond, moved ones when they were moved to", async () => {
  using clock = new Clock();
  const expired: number[] = [];
  const start = clock.time;
  const deadlines = [1, 59_999, 60_000, 60_001, HOUR_MS + 123, HOUR_MS + 124].map((ms) => {
    const deadline = new Deadline(clock.now, () => expired.push(clock.time - start));
    deadline.set(start + ms);
    return deadline;
  });
  deadlines[0].set(start + 2 * HOUR_MS + 7);
  deadlines[1].clear();
  await clock.pass(3 * HOUR_MS);
  assert.deepEqual(expired, [60_000, 60_001, HOUR_MS + 123, HOUR_MS + 124, 2 * HOUR_MS + 7]);
  assert.equal(clock.pending, 0);
});

Deno.test("deadlines of thousands of users are timers of few durations, which runtimes remember", () => {
  using clock = new Clock();
  const durations = new Set<number | undefined>();
  const { setTimeout } = globalThis;
  globalThis.setTimeout = ((work: () => void, ms?: number) => {
    durations.add(ms);
    return setTimeout(work, ms);
  }) as typeof setTimeout;
  for (let n = 0; n < 5_000; n++) {
    const deadline = new Deadline(clock.now, () => {});
    deadline.set(clock.time + HOUR_MS - n);
    deadline.clear();
  }
  assert.ok(durations.size <= 2, `${durations.size} durations`);
});
