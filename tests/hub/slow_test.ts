import assert from "node:assert/strict";
import type { Memory } from "../../supabase/functions/relay/broadcast/bodies.ts";
import { Readers } from "../../supabase/functions/relay/hub/group/readers.ts";
import type { Seat } from "../../supabase/functions/relay/hub/group/seat.ts";
import { Turn } from "../../supabase/functions/relay/peer/turn.ts";
import { sumOf } from "../broadcast/support/sum_of.ts";
import { LONG } from "../support/long.ts";
import { CONFIG, type FakeClient, Stage, test } from "../support/hub/stage.ts";

const TOPIC = "realtime:clicks";
const MIB = 1 << 20;
const LARGE = "x".repeat(2_900_000);
const MANY = LONG ? 100 : 40;

/** The numbers of the broadcasts that a client was told of. */
const heard = ({ frames }: FakeClient) =>
  frames.flatMap(({ event, payload }) => {
    return event === "broadcast" ? [(payload as { payload: { n: number } }).payload.n] : [];
  });

const emit = (stage: Stage, n: number, padding = "") =>
  stage.realtime.emit(TOPIC, "broadcast", { event: "x", payload: { n, padding } });

/** Bytes that wait for all clients together. */
const unread = ({ clients }: Stage) =>
  clients.reduce((sum, { socket }) => sum + socket.bufferedAmount, 0);

async function viewers(stage: Stage, count: number): Promise<FakeClient[]> {
  const clients = [];
  for (let n = 0; n < count; n++) {
    const client = await stage.open();
    client.join(TOPIC, { ...CONFIG, postgres_changes: [] });
    clients.push(client);
  }
  await stage.clock.settle();
  return clients;
}

test(`${MANY} viewers get four large broadcasts as fast as they read, and nobody is cut`, async () => {
  using stage = new Stage();
  const clients = await viewers(stage, MANY);
  for (const { socket } of clients) socket.isReading = false;
  let most = 0;
  for (let n = 1; n <= 4; n++) emit(stage, n, LARGE);
  // Each look of the hub's, one in three of them reads the frame that lies there.
  for (let turn = 0; clients.some((client) => heard(client).length < 4); turn++) {
    assert.ok(turn < 1_000, `${clients.map((client) => heard(client).length)}`);
    most = Math.max(most, unread(stage));
    clients.forEach(({ socket }, n) => (n + turn) % 3 === 0 && socket.read(1));
    await stage.clock.pass(10);
  }
  for (const client of clients) assert.deepEqual(heard(client), [1, 2, 3, 4]);
  assert.ok(clients.every(({ socket }) => socket.readyState === 1), "somebody was cut off");
  assert.ok(most <= 16 * MIB, `${most / MIB} MiB were under way`);
});

test("who does not read is cut off alone, with a code, and the others wait for a second at most", async () => {
  using stage = new Stage();
  const clients = await viewers(stage, 20);
  const [dead, quick] = [clients.slice(0, 10), clients.slice(10)];
  for (const { socket } of dead) socket.isReading = false;
  for (let n = 1; n <= 4; n++) emit(stage, n, LARGE);
  await stage.clock.pass(1_500);
  for (const client of quick) assert.deepEqual(heard(client), [1, 2, 3, 4]);
  await stage.clock.pass(10_000);
  for (const { socket } of dead) assert.equal(socket.closedWith?.code, 4413);
  assert.ok(quick.every(({ socket }) => socket.readyState === 1));
  emit(stage, 5);
  await stage.clock.settle();
  for (const client of quick) assert.deepEqual(heard(client).at(-1), 5);
});

test("where memory is short, who reads a large message at a megabyte a second is waited for", async () => {
  using stage = new Stage();
  const [slow, ...dead] = await viewers(stage, 20);
  for (const { socket } of [slow, ...dead]) socket.isReading = false;
  for (let n = 1; n <= 4; n++) emit(stage, n, LARGE);
  while (heard(slow).length < 4) {
    // Nothing is seen of a message that is being read until it is whole.
    await stage.clock.pass(LARGE.length / 1_000);
    assert.equal(slow.socket.readyState, 1, `after ${heard(slow)}`);
    slow.socket.read(1);
  }
  assert.ok(dead.every(({ socket }) => socket.closedWith?.code === 4413));
});

test("nobody is cut off for the time in which the relay itself stood still", async () => {
  for (const count of [1, 20]) {
    using stage = new Stage();
    const clients = await viewers(stage, count);
    for (const { socket } of clients) socket.isReading = false;
    for (let n = 1; n <= 4; n++) emit(stage, n, LARGE);
    for (let stall = 0; stall < 3; stall++) {
      await stage.clock.pass(300);
      stage.clock.time += 20_000;
    }
    await stage.clock.pass(10);
    assert.ok(clients.every(({ socket }) => socket.readyState === 1), `of ${count}`);
    for (const { socket } of clients) socket.isReading = true;
    await stage.clock.pass(1_000);
    for (const client of clients) assert.deepEqual(heard(client), [1, 2, 3, 4]);
  }
});

test("who lags further than one peer may is cut off, who lags less catches up in order", async () => {
  using stage = new Stage({ RELAY_MAX_UNSENT_BYTES: String(MIB) });
  const [slow, stuck] = await viewers(stage, 2);
  for (const { socket } of [slow, stuck]) socket.isReading = false;
  const padding = "x".repeat(10_000);
  let n = 0;
  while (n < 80) emit(stage, ++n, padding);
  slow.socket.isReading = true;
  await stage.clock.pass(200);
  while (n < 200) emit(stage, ++n, padding);
  await stage.clock.pass(500);
  assert.deepEqual(heard(slow), Array.from({ length: 200 }, (_, n) => n + 1));
  assert.equal(slow.socket.readyState, 1);
  await stage.clock.pass(100);
  assert.equal(stuck.socket.closedWith?.code, 4413);
});

test("memory is of messages: what waits is kept once, however many wait for it", async () => {
  const kept: number[] = [];
  for (const count of LONG ? [10, 40] : [5, 20]) {
    using stage = new Stage();
    const clients = await viewers(stage, count);
    for (const { socket } of clients) socket.isReading = false;
    emit(stage, 0, LARGE);
    const before = unread(stage);
    for (let n = 1; n <= 4; n++) emit(stage, n, LARGE);
    kept.push(unread(stage) - before);
    for (const { socket } of clients) socket.isReading = true;
    await stage.clock.pass(1_000);
    for (const client of clients) assert.deepEqual(heard(client), [0, 1, 2, 3, 4]);
  }
  assert.ok(kept[1] <= kept[0], `${kept} more were sent to sockets that do not read`);
});

test("the end of a channel comes after what was sent before it, also to who is slow", async () => {
  using stage = new Stage();
  const [slow] = await viewers(stage, 1);
  slow.socket.isReading = false;
  for (let n = 1; n <= 3; n++) emit(stage, n, LARGE);
  stage.realtime.end(stage.realtime.channels[0], "phx_close");
  slow.socket.isReading = true;
  await stage.clock.pass(100);
  assert.deepEqual(slow.heard().slice(1), [
    "broadcast x",
    "broadcast x",
    "broadcast x",
    "phx_close 1",
  ]);
  slow.join(TOPIC);
  await stage.clock.settle();
  assert.equal(slow.heard().at(-2), "phx_reply 2 ok");
});

test("what a slow viewer was sent before it joins anew, leaves or signs in is told in its place", async () => {
  using stage = new Stage();
  const [slow] = await viewers(stage, 1);
  slow.socket.isReading = false;
  for (let n = 1; n <= 3; n++) emit(stage, n, LARGE);
  slow.join(TOPIC, { ...CONFIG, postgres_changes: [] });
  await stage.clock.settle();
  slow.socket.isReading = true;
  await stage.clock.pass(100);
  assert.deepEqual(slow.heard().slice(1), [
    "broadcast x",
    "broadcast x",
    "broadcast x",
    "phx_reply 2 ok",
    "phx_close 1",
  ]);
  slow.socket.end(1001);
  await stage.clock.pass(20_000);
  assert.equal(stage.clock.pending, 0);
});

/** Readers of one log, with this memory. */
const readersWith = (kept: Memory, textOf: () => string = () => "") =>
  new Readers({
    ...{ turn: new Turn(), kept, isCrowded: () => false, now: () => 0 },
    ...{ took: { note() {} }, onBehind() {}, textOf, deliver() {} },
    onFail(error) {
      throw error;
    },
  });

/** Readers of whom so many read nothing, and how often it was asked where one of them stands. */
function startUnread(count: number) {
  const state = { looks: 0, cut: 0 };
  const readers = readersWith(sumOf(1_000));
  for (let n = 0; n < count; n++) {
    let cursor = 0;
    const seat = {
      ...{ joinRef: "1", ref: "1", takesBatches: false },
      ...{ reader: { bytes: 5, isReady: () => false }, cut: () => state.cut++ },
    };
    Object.defineProperty(seat, "cursor", {
      get: () => (state.looks++, cursor),
      set: (place) => cursor = place,
    });
    readers.add(seat as unknown as Seat);
  }
  readers.append({ message: "x".repeat(900) });
  return { readers, state };
}

Deno.test("that many who read nothing go costs as much for each as that few do", () => {
  const ways: Record<string, (readers: Readers, state: { cut: number }) => void> = {
    "no memory is left": (readers) => readers.append({ message: "x".repeat(900) }),
    "their time is up": (readers) => [0, 1, 20_000].forEach((time) => readers.catchUp(time)),
    "they leave": (readers, state) => {
      for (const seat of readers) state.cut++, readers.remove(seat);
    },
    "each is to have all now": (readers, state) => {
      for (const seat of readers) readers.hurry(seat);
      for (const seat of readers) state.cut++, readers.remove(seat);
    },
  };
  for (const [why, cut] of Object.entries(ways)) {
    const [few, many] = [100, 1_000].map((count) => {
      const { readers, state } = startUnread(count);
      state.looks = 0;
      cut(readers, state);
      assert.deepEqual([state.cut, readers.size], [count, 0], why);
      return state.looks / count;
    });
    assert.ok(many <= 2 * few, `${why}: ${few} looks at each of 100, and ${many} at each of 1,000`);
  }
});

Deno.test("what nobody waits for any more makes room before anybody is cut", () => {
  const readers = readersWith(sumOf(1_000));
  const [first, second] = [slowSeat(), slowSeat()];
  const cut: Seat[] = [];
  for (const seat of [first, second]) {
    seat.cut = () => cut.push(seat);
    readers.add(seat);
    readers.append({ message: "x".repeat(450) });
    readers.endTurn();
  }
  readers.remove(first);
  readers.append({ message: "x".repeat(450) });
  readers.endTurn();
  assert.deepEqual(cut, []);
  readers.append({ message: "x".repeat(450) });
  readers.endTurn();
  assert.deepEqual(cut, [second]);
});

Deno.test("all that was kept is given back with the last who waited, whoever was cut before", () => {
  const kept = sumOf(1_000);
  const readers = readersWith(kept);
  const [stuck, slow] = [slowSeat(), slowSeat()];
  for (const seat of [stuck, slow]) readers.add(seat);
  slow.reader.room = Infinity;
  readers.append({ message: "x".repeat(900) });
  readers.endTurn();
  // It takes the first of two, for which another has to go, and not the second.
  slow.reader.room = 2;
  for (const length of [200, 100]) readers.append({ message: new ArrayBuffer(length) });
  readers.endTurn();
  assert.deepEqual([...readers], [slow]);
  slow.reader.room = Infinity;
  assert.ok(!readers.catchUp(10), "it is at the end");
  assert.ok(kept.take(1_000), "something is counted for ever");
});

Deno.test("a turn that ends while a frame is handed out leaves it to those who have no room", () => {
  const turn = new Turn();
  const [batched, hasty, slow] = [slowSeat(), slowSeat(), slowSeat()];
  const got: unknown[] = [];
  const readers = new Readers({
    ...{ turn, kept: sumOf(1_000), isCrowded: () => false, now: () => 0 },
    ...{ took: { note() {} }, onBehind() {}, textOf: ({ message }) => String(message) },
    deliver(seat, { entry }) {
      if (seat === slow) got.push(entry.message);
      // Its socket fails over what it is sent, and ends the turn.
      else if (seat === hasty && entry.message === "b") turn.end();
    },
    onFail(error) {
      throw error;
    },
  });
  readers.add(batched);
  for (const seat of [hasty, slow]) readers.add(Object.assign(seat, { takesBatches: false }));
  for (const { reader } of [batched, hasty]) reader.room = Infinity;
  slow.reader.room = 1;
  for (const message of ["a", "b"]) readers.append({ message });
  turn.end();
  assert.deepEqual(got, ["a"]);
  slow.reader.room = Infinity;
  readers.append({ message: "c" });
  turn.end();
  readers.catchUp(10);
  readers.append({ message: "d" });
  turn.end();
  assert.deepEqual(got, ["a", "b", "c", "d"]);
});

/** A seat that takes batches, and is behind for as long as `isReady` says no. */
function slowSeat() {
  const reader = { bytes: 5, room: 0, isReady: () => reader.room-- > 0 };
  const seat = { ...{ joinRef: "1", ref: "1", cursor: 0, takesBatches: true, reader }, cut() {} };
  return { ...seat, receiveBatch() {}, receive() {} } as unknown as Seat & {
    reader: typeof reader;
  };
}

Deno.test("for who has no room nothing is put together, however often they are looked at", () => {
  let texts = 0;
  const readers = readersWith(sumOf(1 << 20), () => (texts++, "x".repeat(100)));
  const seats = Array.from({ length: 50 }, slowSeat);
  for (const seat of seats) {
    readers.add(seat);
    readers.append({ message: "x".repeat(100) });
    readers.endTurn();
  }
  for (let time = 0; time < 100; time++) readers.catchUp(time);
  assert.equal(texts, 0);
  for (const { reader } of seats) reader.room = Infinity;
  assert.ok(!readers.catchUp(100), "all are at the end");
  assert.ok(texts > 0);
});

Deno.test("who lags far catches up at the same price for each frame", () => {
  const [near, far] = [2_000, 20_000].map((frames) => {
    let looks = 0;
    const readers = readersWith(sumOf(1 << 30), () => "x".repeat(100));
    const seat = slowSeat();
    readers.add(seat);
    for (let n = 0; n < frames; n++) {
      readers.append({
        get message() {
          looks++;
          return "x".repeat(100);
        },
      });
    }
    readers.endTurn();
    looks = 0;
    seat.reader.room = Infinity;
    assert.ok(!readers.catchUp(0), "it is at the end");
    return looks / frames;
  });
  assert.ok(far <= 2 * near, `${near} looks at each of 2,000 frames, and ${far} at each of 20,000`);
});
