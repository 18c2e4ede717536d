import assert from "node:assert/strict";
import { Bucket, openAccount, PRICE } from "../../supabase/functions/relay/peer/budget.ts";

Deno.test("a bucket lets a burst pass, then the average, and saves up no second burst", () => {
  const clock = { ms: 0 };
  const bucket = new Bucket(2, 10, () => clock.ms);
  const pass = () => {
    let count = 0;
    while (bucket.take()) count++;
    return count;
  };
  clock.ms = 3_600_000;
  assert.equal(pass(), 10);
  clock.ms += 1_000;
  assert.equal(pass(), 2);
  clock.ms += 400;
  assert.equal(pass(), 0);
  clock.ms += 100;
  assert.equal(pass(), 1);
  clock.ms -= 3_600_000;
  assert.equal(pass(), 0);
  clock.ms += 1_000;
  assert.equal(pass(), 2, "a clock that was set back costs nothing");
});

/** The default of RELAY_CPU_SHARE. */
const SHARE = 10;

function open(share = SHARE) {
  const clock = { ms: 0 };
  return { clock, account: openAccount(share, () => clock.ms) };
}

/** What a frame costs, the work beside passing it on included. */
const frame = (bytes: number, more = 0) => PRICE.frame + bytes * PRICE.passed + more;

Deno.test("an account lets a page restore a hundred channels at once, and in ten seconds again", () => {
  const { account, clock } = open();
  for (let time = 0; time < 2; time++) {
    for (let channel = 0; channel < 100; channel++) {
      assert.ok(account.take(frame(9_000, 9_000 * PRICE.parsed + PRICE.join)), `join ${channel}`);
      assert.ok(account.take(frame(2_000, 2_000 * PRICE.parsed)), `token ${channel}`);
    }
    assert.ok(account.take(PRICE.check));
    assert.ok(account.take(frame(50)), "a heartbeat");
    clock.ms += 10_000;
  }
});

for (const [format, look] of [["text or bytes", 0], ["vsn 1 or JSON", PRICE.scanned]] as const) {
  Deno.test(`a camera sends 20 frames of 200 kB a second for ever, as ${format}`, () => {
    const { clock, account } = open();
    for (let n = 0; n < 20 * 3_600; n++) {
      assert.ok(account.take(frame(200_000, 200_000 * look)), `frame ${n}`);
      clock.ms += 50;
    }
  });
}

Deno.test("joins pass ten a second in the long run, 180 at once, and leave some for messages", () => {
  const { clock, account } = open();
  let joins = 0;
  const join = () => {
    while (account.takeSpare(PRICE.join)) joins++;
  };
  join();
  assert.equal(joins, 180);
  for (let n = 0; n < 5_000; n++) assert.ok(account.take(frame(1_000)), `message ${n}`);
  clock.ms += 2_000;
  joins = 0;
  for (; clock.ms < 102_000; clock.ms += 10) join();
  assert.ok(Math.abs(joins - 1_000) <= 10, `${joins} joins`);
});

Deno.test("no kind of work takes more than its share of a core in the long run", () => {
  for (const share of [1, 10, 100]) {
    for (const [kind, price] of Object.entries(PRICE)) {
      const { clock, account } = open(share);
      const work = price * Math.ceil(1_000 / price);
      let taken = 0;
      for (; clock.ms < 600_000; clock.ms += 100) while (account.take(work)) taken += work;
      // In 600 s, of which 20 were saved up.
      const most = share / 100 * 620 * 1e6;
      assert.ok(taken <= most && taken > 0.9 * most, `${kind} took ${taken / most} of its share`);
    }
  }
});
