import assert from "node:assert/strict";
import { sumOf } from "./support/sum_of.ts";
import {
  Bodies,
  type Body,
  MAX_BODY_BYTES,
} from "../../supabase/functions/relay/broadcast/bodies.ts";
import { readBody } from "../../supabase/functions/relay/broadcast/read_body.ts";
import { RelayError } from "../../supabase/functions/relay/errors.ts";
import { Random } from "../relay/support/fuzz/random.ts";

const MOST = 16 << 20;

/** A sum whose state can be seen. */
function sum(most = MOST) {
  const memory = sumOf(most);
  const held = () => {
    let left = 0;
    for (let step = most; step >= 1; step = Math.floor(step / 2)) {
      while (memory.take(step)) left += step;
    }
    memory.give(left);
    return most - left;
  };
  return { memory, held };
}

const refuses = (code: string, work: () => unknown) =>
  assert.throws(work, (error) => error instanceof RelayError && error.code === code);

/** Lets in as many as are let in. */
function fill(bodies: Bodies, sender: () => string, announced?: number): Body[] {
  const inside: Body[] = [];
  try {
    while (true) inside.push(bodies.enter(sender(), announced));
  } catch (error) {
    assert.equal((error as RelayError).code, "too_many_bodies");
    return inside;
  }
}

Deno.test("a sender has 4 large bodies under way, or 32 small ones", () => {
  for (const [announced, most] of [[0, 32], [65_536, 32], [65_537, 4], [MAX_BODY_BYTES, 4]]) {
    const bodies = new Bodies(sumOf(1 << 30));
    const inside = fill(bodies, () => "a", announced);
    assert.equal(inside.length, most, `${announced} bytes`);
    bodies.enter("b", announced).leave();
    inside.pop()!.leave();
    inside.push(bodies.enter("a", announced));
    refuses("too_many_bodies", () => bodies.enter("a", announced));
    for (const body of inside) body.leave();
    assert.equal(bodies.senders, 0, "nobody is remembered");
  }
});

Deno.test("a body without a length is a large one until it is here", () => {
  const bodies = new Bodies(sumOf(1 << 30));
  const inside = fill(bodies, () => "a");
  assert.equal(inside.length, 4);
  for (const body of inside) body.whole(100);
  assert.equal(fill(bodies, () => "a", 100).length, 28);
});

Deno.test("announcements fill no worker: small bodies find room beside them", () => {
  for (const announced of [65_537, 1 << 20, MAX_BODY_BYTES, undefined]) {
    const { memory, held } = sum();
    const bodies = new Bodies(memory);
    let senders = 0;
    const large = fill(bodies, () => `a${senders++}`, announced);
    assert.ok(large.length >= 8 && large.length <= 14, `${large.length} of ${announced}`);
    assert.ok(fill(bodies, () => `a${senders++}`, 100).length >= 100);
    assert.ok(held() <= MOST);
  }
});

Deno.test("what is held of all bodies stays below the sum, and comes back to the byte", () => {
  const seed = Number(
    Deno.env.get("RELAY_FUZZ_SEED") ?? crypto.getRandomValues(new Uint32Array(1))[0],
  );
  const random = new Random(seed);
  const { memory, held } = sum();
  const bodies = new Bodies(memory);
  const inside: { body: Body; size: number }[] = [];
  for (let step = 0; step < 5_000; step++) {
    const one = inside[random.below(inside.length)];
    try {
      if (!one || random.oneIn(3)) {
        const announced = random.oneIn(3) ? undefined : random.below(4_000_000);
        inside.push({ body: bodies.enter(`s${random.below(9)}`, announced), size: 0 });
      } else if (random.below(3) === 0) {
        one.body.leave();
        one.body.leave();
        inside.splice(inside.indexOf(one), 1);
      } else if (random.oneIn(4)) one.body.whole(one.size);
      else one.body.hold(one.size += random.below(500_000));
    } catch (error) {
      assert.match((error as RelayError).code, /^too_(big|many_bodies)$/, `seed ${seed}`);
    }
    if (step % 100 === 0) assert.ok(held() <= MOST, `seed ${seed}`);
  }
  for (const { body } of inside) body.leave();
  assert.deepEqual([held(), bodies.senders], [0, 0], `seed ${seed}`);
});

Deno.test("a body that grows over its bound, or the worker's, is refused, and what it had is free", () => {
  const { memory, held } = sum(4_000_000);
  const bodies = new Bodies(memory);
  refuses("too_big", () => bodies.enter("a", MAX_BODY_BYTES + 1));
  const one = bodies.enter("a");
  one.hold(MAX_BODY_BYTES);
  refuses("too_big", () => one.hold(MAX_BODY_BYTES + 1));
  refuses("too_many_bodies", () => bodies.enter("b"));
  const other = bodies.enter("b", 100);
  refuses("too_many_bodies", () => other.hold(1_500_000));
  other.leave();
  assert.equal(held(), MAX_BODY_BYTES);
  one.leave();
  assert.deepEqual([held(), bodies.senders], [0, 0]);
});

/** A request's body in pieces, and how far it was read. */
function bodyOf(pieces: Iterable<Uint8Array>) {
  const source = pieces[Symbol.iterator]();
  const state = { read: 0, cancelled: false };
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const { done, value } = source.next();
      if (done) return controller.close();
      state.read++;
      controller.enqueue(value as Uint8Array<ArrayBuffer>);
    },
    cancel: () => void (state.cancelled = true),
  }, { highWaterMark: 0 });
  return { body, state };
}

function* many(count: number, size: number) {
  for (let n = 0; n < count; n++) yield new Uint8Array(size).fill(n);
}

const enter = () => new Bodies(sumOf(MOST)).enter("a");

Deno.test("a body is read whole in whatever pieces a network makes of it", async () => {
  for (const [count, size] of [[0, 1], [1, 3_000_000], [3, 1_000], [2_142, 1_400], [200, 1]]) {
    const { body } = bodyOf(many(count, size));
    const read = await readBody({ body }, enter(), 10_000);
    assert.deepEqual(read, new Uint8Array(Array.from(many(count, size)).flatMap((it) => [...it])));
  }
  assert.equal((await readBody({ body: null }, enter(), 10_000)).length, 0);
});

Deno.test("a body that comes in drops is given up after a few hundred of them", async () => {
  for (const size of [0, 1, 64]) {
    const { body, state } = bodyOf(many(3_000_000, size));
    await assert.rejects(readBody({ body }, enter(), 10_000), { code: "body_timeout" });
    assert.ok(state.read < 400 && state.cancelled, `${state.read} of ${size} bytes`);
  }
});

Deno.test("of a body that is too long no more is read than that shows", async () => {
  const { body, state } = bodyOf(many(1_000, 65_536));
  await assert.rejects(readBody({ body }, enter(), 10_000), { code: "too_big" });
  assert.ok(state.read <= Math.ceil(MAX_BODY_BYTES / 65_536));
  assert.ok(!body.locked && !state.cancelled, "the rest is left to whoever reads it off");
});

Deno.test("a body that breaks off is told so, and is no fault of the relay's", async () => {
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => controller.error(new TypeError("connection reset")),
  });
  await assert.rejects(readBody({ body }, enter(), 10_000), { code: "bad_request" });
});
