import assert from "node:assert/strict";
import { type Beating, leave, Pulse } from "../../deploy/node/sockets/pulse.ts";

/** Longer than the test: it beats by hand. */
const NEVER_MS = 2 ** 30;
const SLOTS = 30;

function peer(answers: boolean): Beating & { pings: number; isCut: boolean } {
  return {
    wasHeard: true,
    misses: 0,
    untakenBefore: 0,
    slot: undefined,
    untaken: 0,
    pings: 0,
    isCut: false,
    ping() {
      this.pings++;
      this.wasHeard ||= answers;
    },
    terminate() {
      this.isCut = true;
      leave(this);
    },
  };
}

/** Looks once at everybody. */
function round(pulse: Pulse): void {
  for (let slot = 0; slot < SLOTS; slot++) pulse.beat();
}

Deno.test("each peer is pinged once a round, and they are spread over it", () => {
  const pulse = new Pulse(NEVER_MS);
  const peers = Array.from({ length: 2 * SLOTS }, () => peer(true));
  peers.forEach((peer) => pulse.watch(peer));
  pulse.beat();
  assert.equal(peers.filter(({ pings }) => pings > 0).length, 2);
  for (let n = 0; n < 10; n++) round(pulse);
  assert.ok(peers.every(({ pings }) => pings === 10 || pings === 11));
  assert.ok(!peers.some(({ isCut }) => isCut));
});

Deno.test("a peer that does not answer is cut, one that has left is not asked", () => {
  const pulse = new Pulse(NEVER_MS);
  const [dead, gone] = [peer(false), peer(true)];
  for (const it of [dead, gone]) pulse.watch(it);
  leave(gone);
  for (let n = 0; n < 3; n++) round(pulse);
  assert.equal(dead.isCut, false, "a slow one may be late");
  round(pulse);
  assert.equal(dead.isCut, true);
  assert.deepEqual([dead.pings, gone.pings], [3, 0]);
});

Deno.test("a peer that still reads what was sent before is waited for", () => {
  const pulse = new Pulse(NEVER_MS);
  const slow = peer(false);
  pulse.watch(slow);
  for (let n = 0; n < 20; n++) {
    Object.assign(slow, { untaken: 1_000 - n });
    round(pulse);
  }
  assert.equal(slow.isCut, false);
});
