/** What the relay on Node can do to a peer, and other hosts cannot. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect } from "../support/client.ts";
import { inTime } from "../support/in_time.ts";
import { canMeasureMemory, memoryOf, peakMemory } from "../support/memory.ts";
import { RawSocket } from "../support/raw_socket.ts";
import type { ServedRelay } from "../support/served_relay.ts";
import { PUBLISHABLE_KEY, sign } from "../support/tokens.ts";
import { testOnNode } from "./support/node.ts";

const MIB = 1 << 20;
const HEARTBEAT = '[null,"1","phoenix","heartbeat",{}]';

/** The head of a masked binary frame of so many bytes, which may be the first or a later fragment. */
function headOf(size: number, firstByte = 0x82): Buffer {
  const head = Buffer.alloc(14);
  head[0] = firstByte;
  head[1] = 0x80 | 127;
  head.writeBigUInt64BE(BigInt(size), 2);
  return head;
}

const SOCKETS = 8;
const FRAME_MIB = 62;

/** As much as the relay takes: one that has cut reads no more. */
async function push(socket: RawSocket, head: Buffer): Promise<void> {
  const piece = Buffer.alloc(MIB);
  await socket.wire.send(head).catch(() => {});
  for (let sent = 0; sent < FRAME_MIB - 1; sent++) {
    await socket.wire.send(piece).catch(() => sent = FRAME_MIB);
  }
}

const measured = canMeasureMemory ? "" : " (memory is not measured: only Linux tells)";

testOnNode(
  `unfinished frames of ${FRAME_MIB} MiB on ${SOCKETS} sockets are cut at their heads${measured}`,
  {},
  async ({ relay, urlWith }) => {
    const token = await sign();
    const sockets = await Promise.all(
      Array.from({ length: SOCKETS }, () => RawSocket.open(urlWith(token))),
    );
    const attack = async () => {
      await Promise.all(sockets.map((socket) => push(socket, headOf(FRAME_MIB * MIB))));
    };
    if (canMeasureMemory) {
      const before = memoryOf(relay.pid);
      const grown = await peakMemory(relay.pid, attack) - before;
      // A quarter of what one of them would take if it were assembled.
      assert.ok(grown < FRAME_MIB / 4, `memory grew by ${grown} MiB`);
    } else await attack();
    for (const socket of sockets) socket[Symbol.dispose]();
  },
);

testOnNode(
  "a message beyond the bound is told so, whole or in fragments",
  { env: { RELAY_MAX_FRAME_BYTES: String(MIB) } },
  async ({ urlWith }) => {
    const token = await sign();
    const half = Buffer.alloc(MIB / 2 + 1);
    const attacks = [
      [headOf(MIB + 1)],
      [headOf(half.length, 0x02), half, headOf(half.length, 0x80)],
    ];
    for (const pieces of attacks) {
      using socket = await RawSocket.open(urlWith(token));
      for (const piece of pieces) await socket.wire.send(piece);
      const { code, reason } = await socket.close();
      assert.deepEqual([code, reason.split(":")[0]], [4413, "too_big"]);
    }
  },
);

testOnNode(
  "who was refused may send as much as joins take, and no more",
  { env: { RELAY_REFUSAL_DELAY_MS: "60000" } },
  async ({ relay }) => {
    using socket = await RawSocket.open(`ws://${relay.address}/relay?vsn=2.0.0`);
    await socket.wire.send(headOf(MIB));
    assert.equal((await socket.close()).code, 4413);
  },
);

/** One byte, masked with zeros: the first fragment of a binary message, or a further one. */
const fragment = (firstByte: number) => Buffer.from([firstByte, 0x81, 0, 0, 0, 0, 0]);

testOnNode(
  "what who was refused may send comes in few pieces: fragments, or what is read at once",
  { env: { RELAY_REFUSAL_DELAY_MS: "60000" } },
  async ({ relay }) => {
    const url = `ws://${relay.address}/relay?vsn=2.0.0`;
    const pieces = Array.from({ length: 2_000 }, (_, n) => fragment(n === 0 ? 0x02 : 0x00));
    using inFragments = await RawSocket.open(url);
    await inFragments.wire.send(Buffer.concat(pieces));
    const { code, reason } = await inFragments.close();
    assert.deepEqual([code, reason.split(":")[0]], [4413, "too_big"]);

    const size = 262_000;
    using byDrops = await RawSocket.open(url);
    (byDrops.wire.connection as Deno.TcpConn).setNoDelay();
    await byDrops.wire.send(headOf(size));
    let isOver = false;
    const closed = byDrops.close().finally(() => isOver = true);
    // Some are read together, where the relay is busy.
    for (let sent = 1; sent < size && !isOver; sent++) {
      await byDrops.wire.send(Buffer.alloc(1)).catch(() => isOver = true);
    }
    assert.equal((await closed).code, 4413);
  },
);

testOnNode(
  "who has yet to bring a token may send as much as waits, and then as everybody",
  {
    onSocket: (socket) => {
      socket.onmessage = ({ data }) => socket.send(data);
    },
  },
  async ({ relay }) => {
    const url = `ws://${relay.address}/relay?vsn=2.0.0&apikey=${PUBLISHABLE_KEY}`;
    using socket = await RawSocket.open(url);
    await socket.wire.send(headOf(MIB));
    assert.equal((await socket.close()).code, 4413);

    const user = connect(url);
    await user.opened;
    const payload = { config: {}, access_token: await sign() };
    user.send(JSON.stringify(["1", "1", "realtime:a", "phx_join", payload]));
    assert.match(String(await user.next()), /phx_join/);
    user.send(new Uint8Array(MIB));
    user.send(HEARTBEAT);
    assert.equal(await user.next(), HEARTBEAT);
    user.socket.close();
    await user.closed;
  },
);

/** The numbers of sockets that GET /relay/health tells. */
async function socketsOf({ relay }: ServedRelay): Promise<Record<string, number>> {
  return (await (await fetch(`http://${relay.address}/relay/health`)).json()).sockets;
}

/** Waits until the relay holds nobody whose close is not answered. */
async function untilNobodyIsHeld(served: ServedRelay): Promise<void> {
  while (true) {
    const { closing, refused } = await socketsOf(served);
    if (closing + refused === 0) return;
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

testOnNode(
  "peers that never answer their close are cut, and their places are free",
  {
    env: {
      RELAY_MAX_SOCKETS: "1",
      RELAY_REFUSAL_MAX: "1",
      RELAY_FRAME_BURST: "2",
      RELAY_FRAMES_PER_SECOND: "1",
    },
  },
  async (served) => {
    const url = served.urlWith(await sign());
    using admitted = await RawSocket.open(url);
    await admitted.sendText(HEARTBEAT, HEARTBEAT, HEARTBEAT);
    assert.equal((await admitted.close()).code, 4429);
    using refused = await RawSocket.open(url);
    assert.equal((await refused.close()).code, 4429);
    const { closing } = await socketsOf(served);
    assert.equal(closing, 1, "its place counts until it is gone");
    await inTime(untilNobodyIsHeld(served), "both are cut");
    for (const { wire } of [admitted, refused]) {
      assert.ok(await inTime(wire.ended(), "the connection ends"));
    }
    using next = await RawSocket.open(url);
    await next.sendText(HEARTBEAT);
    assert.equal((await socketsOf(served)).open, 1);
  },
);
