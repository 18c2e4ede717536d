import assert from "node:assert/strict";
import { type Client, connect } from "./support/client.ts";
import { canMeasureMemory, peakMemory } from "./support/memory.ts";
import { RawSocket } from "./support/raw_socket.ts";
import { testOnHosts } from "./support/relay_host.ts";
import { type ServedRelay, withRelay } from "./support/served_relay.ts";
import { sign } from "./support/tokens.ts";

const LONG = Deno.env.has("RELAY_TEST_LONG");
const MIB = 1 << 20;

/** What upstream sends in each run, and the bound on what a client leaves unread. */
const TOTAL_MIB = LONG ? 100 : 20;
const BOUND_MIB = LONG ? 16 : 4;

const FRAME = new Uint8Array(1 << 16);

/** Upstream sends so many frames at once: when it is asked to, or again and again by itself. */
const PORTION = 8;

function flood(socket: WebSocket): void {
  let left = TOTAL_MIB * MIB / FRAME.length;
  function send() {
    if (socket.readyState !== WebSocket.OPEN) return;
    for (let n = 0; n < PORTION; n++, left--) socket.send(FRAME);
  }
  socket.onmessage = function next({ data }: { data: string }) {
    send();
    if (data === GO_ON && left > 0) setTimeout(next, 2, { data });
  };
}

/** What asks for a portion, and for all of them. */
const [ONE, GO_ON] = ["one", "all"].map((ref) => `[null,"${ref}","phoenix","heartbeat",{}]`);

/** A socket of upstream that ticks, for an observer to see by when it is kept waiting. */
function tick(socket: WebSocket): void {
  socket.onopen = () => {
    const timer = setInterval(() => socket.readyState === WebSocket.OPEN && socket.send("t"), 2);
    socket.onclose = () => clearInterval(timer);
  };
}

/** The longest time between two ticks that the client saw while `work` was done, in ms. */
async function longestPause({ socket }: Client, work: () => Promise<void>): Promise<number> {
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
  return longest;
}

/** Asks for one portion after the other, and reads them. */
async function readAll({ urlWith }: ServedRelay, token: string): Promise<void> {
  const client = connect(urlWith(token));
  await client.opened;
  for (let left = TOTAL_MIB * MIB; left > 0; left -= PORTION * FRAME.length) {
    client.send(ONE);
    for (let n = 0; n < PORTION; n++) await client.next();
  }
  client.socket.close();
  await client.closed;
}

/** Asks for all of it and reads nothing, until upstream is told; then reads up to the end. */
async function readNothing({ urlWith }: ServedRelay, token: string, cutOff: () => Promise<number>) {
  using slow = await RawSocket.open(urlWith(token));
  const told = cutOff();
  await slow.sendText(GO_ON);
  assert.equal(await told, 4413);
  const { code, reason } = await slow.close();
  assert.deepEqual([code, reason.split(":")[0]], [4413, "unread"]);
}

/** Runs of each kind; the machine's own pauses only add, so the best of them counts. */
const RUNS = LONG ? 3 : 2;

const measured = canMeasureMemory ? "" : " (memory is not measured: only Linux tells)";
testOnHosts(
  `a client that stops reading costs its bound, and nobody else${measured}`,
  async (host) => {
    let observed = false;
    let ended = Promise.withResolvers<number>();
    const onSocket = (socket: WebSocket) => {
      if (!observed) tick(socket);
      else {
        flood(socket);
        socket.addEventListener("close", ({ code }) => ended.resolve(code));
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
      const cutOff = () => (ended = Promise.withResolvers()).promise;
      const works: [string, () => Promise<void>][] = [
        ["without", () => readAll(served, token)],
        ["with", () => readNothing(served, token, cutOff)],
      ];
      for (let run = 0; run < RUNS; run++) {
        for (const [kind, work] of works) {
          const watched = async () => {
            pauses[kind].push(await longestPause(observer, work));
          };
          if (canMeasureMemory) peaks[kind].push(await peakMemory(served.relay.pid, watched));
          else await watched();
        }
      }
      const [slow, usual] = [Math.min(...pauses.with), Math.max(...pauses.without)];
      assert.ok(slow <= 5 * usual, `others waited for ${slow} ms, else for ${usual} ms`);
      const growth = Math.max(...peaks.with) - Math.max(...peaks.without);
      assert.ok(!(growth >= BOUND_MIB + 10), `memory grew by ${growth} MiB`);
      observer.socket.close();
      await observer.closed;
    });
  },
);
