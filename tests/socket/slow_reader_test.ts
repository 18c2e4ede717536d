import assert from "node:assert/strict";
import { type Client, connect } from "../support/client.ts";
import { canMeasureMemory, peakMemory } from "../support/memory.ts";
import { watchPauses } from "../support/pauses.ts";
import { RawSocket } from "../support/raw_socket.ts";
import { testOnNewest } from "../support/relay_host.ts";
import { type ServedRelay, withRelay } from "../support/served_relay.ts";
import { sign } from "../support/tokens.ts";

const MIB = 1 << 20;

/** What upstream sends in each run, and the relay's default bound on what a client leaves unread. */
const TOTAL_MIB = 100;
const BOUND_MIB = 16;

const FRAME = new Uint8Array(1 << 16);

/** Upstream's pace: 256 MiB a second, and no more than this waiting in its own hands. */
const PACE = { frames: 4, everyMs: 1, unsent: MIB };

const FRAMES = TOTAL_MIB * MIB / FRAME.length;

/** Who reads is not left behind by this many frames, 4 MiB: on a full machine it would be cut off. */
const WINDOW = 64;

/** How many frames the client of now has read; Infinity for one that is not waited for. */
const reader = { frames: 0 };

/** A socket of upstream that sends TOTAL_MIB, paced, once it hears anything. */
function flood(socket: WebSocket): void {
  let sent = 0;
  const mayGo = () =>
    sent < Math.min(FRAMES, reader.frames + WINDOW) && socket.bufferedAmount < PACE.unsent;
  socket.onmessage = function send() {
    if (socket.readyState !== WebSocket.OPEN || sent === FRAMES) return;
    for (let n = 0; n < PACE.frames && mayGo(); n++, sent++) socket.send(FRAME);
    setTimeout(send, PACE.everyMs);
  };
}

const HEARTBEAT = '[null,"1","phoenix","heartbeat",{}]';

/** A socket of upstream that ticks, for an observer to see by when it is kept waiting. */
function tick(socket: WebSocket): void {
  socket.onopen = () => {
    const timer = setInterval(() => socket.readyState === WebSocket.OPEN && socket.send("t"), 2);
    socket.onclose = () => clearInterval(timer);
  };
}

/**
 * By how much the longest time between two ticks, while `work` was done, exceeds what this machine
 * kept anybody waiting for anyway: 1 is nothing.
 */
async function longestPause({ socket }: Client, work: () => Promise<void>): Promise<number> {
  let machine = 1;
  const stop = watchPauses((ms) => machine = Math.max(machine, ms));
  let last = performance.now();
  let longest = 0;
  const note = () => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  };
  socket.addEventListener("message", note);
  await work();
  note();
  socket.removeEventListener("message", note);
  stop();
  return longest / machine;
}

/** Asks for the flood and reads all of it. */
async function readAll({ urlWith }: ServedRelay, token: string): Promise<void> {
  using quick = await RawSocket.open(urlWith(token));
  // Each frame has a head of ten bytes.
  const size = FRAME.length + 10;
  reader.frames = 0;
  await quick.sendText(HEARTBEAT);
  while (reader.frames < FRAMES) {
    assert.equal((await quick.wire.take(size)).length, size, "a client that reads was cut off");
    reader.frames++;
  }
}

/** Asks for it and reads nothing until upstream is told; then up to the end. */
async function readNothing({ urlWith }: ServedRelay, token: string, cutOff: () => Promise<number>) {
  using slow = await RawSocket.open(urlWith(token));
  const told = cutOff();
  reader.frames = Infinity;
  await slow.sendText(HEARTBEAT);
  assert.equal(await told, 4413);
  const { code, reason } = await slow.close();
  assert.deepEqual([code, reason.split(":")[0]], [4413, "unread"]);
}

/** Runs of each kind; the machine's own pauses only add, so the best of them counts. */
const RUNS = 2;

const measured = canMeasureMemory ? "" : " (memory is not measured: only Linux tells)";
testOnNewest(
  `a client that stops reading costs its bound, and nobody else${measured}`,
  async (host) => {
    let observed = false;
    /** How the newest socket of upstream ended. */
    let ended = Promise.resolve(0);
    const onSocket = (socket: WebSocket) => {
      if (!observed) tick(socket);
      else {
        flood(socket);
        ended = new Promise((resolve) => {
          socket.addEventListener("close", ({ code }) => resolve(code));
        });
      }
      observed = true;
    };
    const env = { RELAY_MAX_UNSENT_BYTES: String(BOUND_MIB * MIB) };
    await withRelay(host, { env, onSocket }, async (served) => {
      const token = await sign();
      const observer = connect(served.urlWith(token));
      await observer.opened;
      const pauses: Record<string, number[]> = { with: [], without: [] };
      const peaks: Record<string, number[]> = { with: [], without: [] };
      // First those without: an allocator keeps what it once had.
      const works: [string, () => Promise<void>][] = [
        ...Array(RUNS + 1).fill(["without", () => readAll(served, token)]),
        ...Array(RUNS).fill(["with", () => readNothing(served, token, () => ended)]),
      ];
      for (const [kind, work] of works) {
        const watched = async () => {
          pauses[kind].push(await longestPause(observer, work));
        };
        if (canMeasureMemory) peaks[kind].push(await peakMemory(served.relay.pid, watched));
        else await watched();
      }
      const [slow, usual] = [Math.min(...pauses.with), Math.max(...pauses.without)];
      assert.ok(slow <= 5 * usual, `others waited ${slow / usual} times as long as else`);
      const growth = Math.max(...peaks.with) - Math.max(...peaks.without);
      assert.ok(!(growth >= BOUND_MIB + 10), `memory grew by ${growth} MiB`);
      observer.socket.close();
      await observer.closed;
    });
  },
);
