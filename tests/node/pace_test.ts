/** Realtime waits for a client that reads slowly. */
import assert from "node:assert/strict";
import type { Buffer } from "node:buffer";
import { Pacer } from "../../deploy/node/sockets/pace.ts";
import { inTime } from "../support/in_time.ts";
import { canMeasureMemory, memoryOf, peakMemory } from "../support/memory.ts";
import { RawSocket } from "../support/raw_socket.ts";
import { sign } from "../support/tokens.ts";
import type { Wire } from "../support/wire.ts";
import { testOnNode } from "./support/node.ts";

const MIB = 1 << 20;
const FRAME_BYTES = 1 << 16;
/** More than the relay's bound on what is unsent, and all that two kernels' buffers take. */
const TOTAL_MIB = 192;
const FRAMES = TOTAL_MIB * MIB / FRAME_BYTES;
const numbered = (n: number): Uint8Array<ArrayBuffer> => {
  const frame = new Uint8Array(FRAME_BYTES);
  new DataView(frame.buffer).setUint32(0, n);
  return frame;
};

/** Sends all frames as fast as they are taken, whoever reads them; tells when nothing has moved. */
function flood(socket: WebSocket) {
  const state = { sent: 0, stuck: Promise.withResolvers<void>() };
  let since = performance.now();
  let left = 0;
  socket.onopen = function send() {
    if (socket.readyState !== WebSocket.OPEN) return;
    const before = state.sent;
    while (state.sent < FRAMES && socket.bufferedAmount < MIB) socket.send(numbered(state.sent++));
    if (state.sent > before || socket.bufferedAmount !== left) since = performance.now();
    left = socket.bufferedAmount;
    if (performance.now() - since > 1_000) state.stuck.resolve();
    if (state.sent < FRAMES || left > 0) setTimeout(send, 5);
  };
  return state;
}

/** The next message; pings of the relay's come between them. Shorter only where the connection ends. */
async function nextFrame(wire: Wire): Promise<Buffer> {
  const [first] = await wire.take(2);
  if (first === 0x89) return nextFrame(wire);
  await wire.take(8); // Its length (RFC 6455, 5.2).
  return await wire.take(FRAME_BYTES);
}

const measured = canMeasureMemory ? "" : " (memory is not measured: only Linux tells)";
const flooding: { state?: ReturnType<typeof flood> } = {};

testOnNode(
  `a client that reads late makes Realtime wait: nothing is lost, memory stays${measured}`,
  { onSocket: (socket) => flooding.state = flood(socket) },
  async ({ relay, urlWith }) => {
    const before = canMeasureMemory ? memoryOf(relay.pid) : 0;
    using socket = await RawSocket.open(urlWith(await sign()));
    const { state } = flooding;
    const stand = async () => {
      await inTime(state!.stuck.promise, "Realtime is kept waiting");
      assert.ok(state!.sent < FRAMES, "all of it fits into what lies between");
    };
    const peaks = [0, 0];
    if (canMeasureMemory) peaks[0] = await peakMemory(relay.pid, stand);
    else await stand();
    const read = async () => {
      for (let n = 0; n < FRAMES; n++) {
        const frame = await nextFrame(socket.wire);
        assert.equal(frame.length, FRAME_BYTES, `it was cut off at ${n}`);
        assert.equal(frame.readUInt32BE(0), n, "in their order, none lost");
      }
    };
    if (canMeasureMemory) peaks[1] = await peakMemory(relay.pid, read);
    else await read();
    const [waiting, reading] = peaks.map((peak) => peak - before);
    assert.ok(waiting < 16, `memory grew by ${waiting} MiB while Realtime waited`);
    // Node collects what it has read when that is some tens of MiB.
    assert.ok(reading < TOTAL_MIB / 2, `memory grew by ${reading} MiB while all of it passed`);
  },
);

/** A pacer of 100 bytes on a clock of its own, one socket, and its reader. */
function pace() {
  const clock = { ms: 0 };
  const seen: string[] = [];
  const reader = { readyState: 1, bufferedAmount: 0, untaken: 0 };
  const socket = { pause: () => seen.push("pause"), resume: () => seen.push("resume") };
  const pacer = new Pacer(100, () => clock.ms);
  const waiting = (bytes: number) =>
    Object.assign(reader, { bufferedAmount: bytes, untaken: bytes });
  return {
    pacer,
    socket,
    reader,
    seen,
    waiting,
    pass(bytes: number) {
      waiting(reader.bufferedAmount + bytes);
      pacer.passed(socket, reader, () => seen.push("unread"));
    },
    after(ms: number) {
      clock.ms += ms;
      pacer.look();
    },
    [Symbol.dispose]: () => pacer.release(socket),
  };
}

Deno.test("a socket is paused above its mark, once, and goes on at half of it", () => {
  using it = pace();
  it.pass(100);
  assert.deepEqual(it.seen, []);
  it.pass(1);
  it.pass(1);
  it.waiting(51);
  it.after(20);
  assert.deepEqual(it.seen, ["pause"]);
  it.waiting(50);
  it.after(20);
  assert.deepEqual(it.seen, ["pause", "resume"]);
  it.after(60_000);
  assert.deepEqual(it.seen, ["pause", "resume"]);
});

Deno.test("a reader that takes a little all the time is waited for, one that takes nothing is told of", () => {
  using it = pace();
  it.pass(200);
  for (let n = 0; n < 10; n++) {
    it.reader.untaken--;
    it.after(14_000);
  }
  assert.deepEqual(it.seen, ["pause"]);
  it.after(14_000);
  it.after(1_000);
  assert.deepEqual(it.seen, ["pause", "resume", "unread"]);
});

Deno.test("a socket whose reader is gone, or that is closed, is not left paused", () => {
  for (const end of ["gone", "closed"]) {
    using it = pace();
    it.pass(200);
    if (end === "gone") it.reader.readyState = 2;
    else it.pacer.release(it.socket);
    it.after(20);
    assert.deepEqual(it.seen, ["pause", "resume"], end);
  }
});
