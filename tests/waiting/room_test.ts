import assert from "node:assert/strict";
import { Places } from "../../supabase/functions/relay/peer/places.ts";
import { WaitingRoom } from "../../supabase/functions/relay/waiting/room.ts";

/** A room for `most` at a time that `pass` moves on, in ms; `ended` tells whose wait was ended, and why. */
function startRoom(most: number) {
  let now = 0;
  const room = new WaitingRoom(most, new Places(), () => now);
  const ended: string[] = [];
  const enter = (name: string, address?: string) =>
    room.enter({ giveWay: ({ code }) => ended.push(`${name} ${code}`) }, address);
  return { room, ended, enter, pass: (ms: number) => now += ms };
}

Deno.test("where as many wait as may, the oldest gives way", () => {
  const { ended, enter, pass } = startRoom(2);
  for (const name of ["a", "b"]) enter(name);
  pass(2_000);
  for (const name of ["c", "d"]) enter(name);
  assert.deepEqual(ended, ["a too_many_waiting", "b too_many_waiting"]);
});

Deno.test("nobody gives way before a token can have come, but where twice as many wait", () => {
  const { ended, enter, pass } = startRoom(2);
  for (const name of ["a", "b", "c", "d"]) enter(name);
  pass(1_999);
  assert.deepEqual(ended, []);
  enter("e");
  assert.deepEqual(ended, ["a too_many_waiting"]);
  pass(1);
  enter("f");
  assert.deepEqual(ended, ["a too_many_waiting", "b too_many_waiting"]);
});

Deno.test("of one address eight wait, in a burst sixteen, and their own oldest gives way", () => {
  const { ended, enter, pass } = startRoom(100);
  enter("other", "10.0.0.1");
  for (let n = 0; n < 16; n++) enter(`${n}`, "10.0.0.2");
  assert.deepEqual(ended, []);
  enter("seventeenth", "10.0.0.2");
  assert.deepEqual(ended, ["0 too_many_waiting"]);
  pass(2_000);
  enter("later", "10.0.0.2");
  assert.deepEqual(ended, ["0 too_many_waiting", "1 too_many_waiting"]);
});

Deno.test("who was told to go and does not counts, up to as many again", () => {
  const { room, enter, pass } = startRoom(2);
  const placed = ["a", "b"].map((name) => enter(name));
  pass(2_000);
  enter("c");
  room.check(undefined);
  enter("d");
  assert.throws(() => room.check(undefined), { code: "too_many_waiting" });
  placed[0].leave();
  room.check(undefined);
});

Deno.test("of one address eight may be told to go and not be gone; others come in meanwhile", () => {
  const { room, enter, pass } = startRoom(100);
  const placed = Array.from({ length: 8 }, (_, n) => enter(`${n}`, "10.0.0.2"));
  pass(2_000);
  for (let n = 8; n < 16; n++) {
    room.check("10.0.0.2");
    enter(`${n}`, "10.0.0.2");
  }
  assert.throws(() => room.check("10.0.0.2"), { code: "too_many_waiting" });
  room.check("10.0.0.1");
  room.check(undefined);
  placed[0].leave();
  room.check("10.0.0.2");
});

Deno.test("a socket that is named has no place among those that wait, and none of its address", () => {
  const { room, enter } = startRoom(1);
  for (let n = 0; n < 50; n++) {
    const waiting = { giveWay() {} };
    const place = room.enter(waiting, "10.0.0.2");
    room.leave(waiting);
    place.leave();
    room.check("10.0.0.2");
  }
  assert.equal(room.places.counts.waiting, 0);
  enter("next", "10.0.0.2");
  room.check("10.0.0.2");
});

Deno.test("who gave way to others of other addresses is no neighbour any more that waits", () => {
  const { room, ended, enter, pass } = startRoom(8);
  const placed = Array.from({ length: 8 }, (_, n) => enter(`${n}`, "10.0.0.2"));
  pass(2_000);
  for (let n = 0; n < 4; n++) enter(`other ${n}`, `10.0.1.${n}`);
  assert.equal(ended.length, 4);
  for (const place of placed.slice(0, 4)) place.leave();
  room.check("10.0.0.2");
  for (let n = 0; n < 4; n++) enter(`${n} again`, "10.0.0.2");
  // Four of the eight gave way before; of all, the oldest goes.
  assert.equal(ended.length, 8);
  enter("fifth again", "10.0.0.2");
  assert.equal(ended.length, 8, "those that are left have just come");
});
