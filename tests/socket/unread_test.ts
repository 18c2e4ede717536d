import assert from "node:assert/strict";
import type { Socket } from "../../supabase/functions/relay/runtime.ts";
import { Backlog, Kept, Unsent } from "../../supabase/functions/relay/peer/unsent.ts";
import { attack, record, text } from "../support/attack.ts";
import { connect } from "../support/client.ts";
import { LONG } from "../support/long.ts";
import { canMeasureMemory, memoryOf, peakMemory } from "../support/memory.ts";
import { RawSocket, serveMute } from "../support/raw_socket.ts";
import { hosts, testOnNewest } from "../support/relay_host.ts";
import { withRelay } from "../support/served_relay.ts";
import { sign } from "../support/tokens.ts";

const MIB = 1 << 20;
const FRAME = new Uint8Array(1 << 16);

/** A peer that leaves so many bytes unread, and how often it was asked. */
class Peer {
  asked = 0;
  unread = 0;

  get bufferedAmount(): number {
    this.asked++;
    return this.unread;
  }
}

function watch(unsent: Unsent): { peer: Peer; backlog: Backlog } {
  const peer = new Peer();
  const backlog = new Backlog(unsent, peer as unknown as Socket);
  unsent.watch(backlog);
  return { peer, backlog };
}

Deno.test("one peer may leave its bound unread, all together four times as much", () => {
  const unsent = new Unsent(1600);
  const peers = Array.from({ length: 6 }, () => watch(unsent));
  const [slow, late, , , , quick] = peers;
  assert.ok(slow.backlog.hasRoom(1600));
  assert.ok(!slow.backlog.hasRoom(1601));
  for (const { peer } of peers) peer.unread = 1599;
  quick.peer.unread = 1;
  assert.ok(quick.backlog.hasRoom(1000), "who keeps up is served");
  assert.ok(!late.backlog.hasRoom(1), "7996 wait for all");
  unsent.forget(slow.backlog);
  assert.ok(quick.backlog.hasRoom(1000));
  assert.ok(late.backlog.hasRoom(1), "what waited for the one that left is gone");
});

Deno.test("who is gone is not waited for, though something came for it on its way out", () => {
  const unsent = new Unsent(1_600);
  const [gone, other] = [watch(unsent), watch(unsent)];
  gone.peer.unread = 1_600;
  unsent.forget(gone.backlog);
  gone.backlog.isReady(1);
  const asked = gone.peer.asked;
  unsent.look(1_000);
  unsent.look(2_000);
  assert.ok(other.backlog.isReady(1), "nothing is under way to others");
  assert.equal(gone.peer.asked, asked, "it is not kept");
});

Deno.test("what the relay keeps for one peer has that bound, for all together four times as much", () => {
  const unsent = new Unsent(1_000);
  const peers = Array.from({ length: 5 }, () => new Kept(unsent));
  assert.ok(!peers[0].take(1_001));
  assert.deepEqual(peers.map((kept) => kept.take(1_000)), [true, true, true, true, false]);
  peers[0].give(1);
  assert.deepEqual([peers[4].take(2), peers[4].take(1), peers[0].take(1)], [false, true, false]);
});

Deno.test("a peer is asked what it left unread only where that may have passed its bound", () => {
  // A unit of text takes one to three bytes; one message more may wait than was asked for.
  for (const bytesPerUnit of [1, 2, 3]) {
    const { peer, backlog } = watch(new Unsent(30_000));
    let sent = 0;
    for (; backlog.hasRoom(100); sent++) peer.unread += 100 * bytesPerUnit;
    assert.ok(peer.unread <= 30_000 + 300 && peer.unread > 30_000 - 300, `${peer.unread} wait`);
    assert.ok(peer.asked < sent / 4, `${sent} messages, asked ${peer.asked} times`);
  }
  const { peer, backlog } = watch(new Unsent(30_000));
  for (let n = 0; n < 10_000; n++) assert.ok(backlog.hasRoom(100), "it reads all");
  assert.ok(peer.asked < 10_000 / 20, `asked ${peer.asked} times`);
});

/** Sockets that stop reading together, whose bounds add up to more than a worker has. */
const TOGETHER = 36;

/** What one of them may leave unread by default, in MiB. */
const DEFAULT_BOUND = 16;

testOnNewest("many clients that stop reading do not add up", async (host) => {
  let ended = 0;
  const all = Promise.withResolvers<void>();
  const onSocket = (socket: WebSocket) => {
    const timer = setInterval(() => {
      if (socket.readyState === WebSocket.OPEN && socket.bufferedAmount < MIB) socket.send(FRAME);
    }, 4);
    socket.onclose = ({ code }) => {
      clearInterval(timer);
      assert.equal(code, 4413);
      if (++ended === TOGETHER) all.resolve();
    };
  };
  await withRelay(host, { onSocket }, async ({ relay: { pid }, urlWith }) => {
    const sockets: RawSocket[] = [];
    const work = async () => {
      for (let n = 0; n < TOGETHER; n++) sockets.push(await RawSocket.open(urlWith(await sign())));
      await all.promise;
    };
    if (!canMeasureMemory) await work();
    else {
      const growth = -memoryOf(pid) + await peakMemory(pid, work);
      // Most of it is what its collector of garbage leaves for later: up to 340 MiB on a full machine.
      assert.ok(growth < 0.9 * TOGETHER * DEFAULT_BOUND, `memory grew by ${growth} MiB`);
    }
    for (const { wire } of sockets) wire.close();
  });
});

/** Frames enough to fill what two kernels keep for a connection, and then the bound. */
async function sendUntilCut(slow: RawSocket, frame: string): Promise<void> {
  const chunk = Array(500).fill(frame);
  try {
    for (let sent = 0; sent < 64 * MIB; sent += 500 * frame.length) await slow.sendText(...chunk);
  } catch {
    // Cut off, as it should be.
  }
}

/** The bound of these tests, the least that may be set. */
const TIGHT = { RELAY_MAX_UNSENT_BYTES: "65536", RELAY_FRAME_BURST: "1000000" };

testOnNewest("a client that does not read the relay's own answers is cut off", async (host) => {
  const policy = { RELAY_POLICY: '{"*":{"topics":[]}}' };
  await withRelay(host, { ...record(), env: { ...TIGHT, ...policy } }, async (served) => {
    using slow = await RawSocket.open(served.urlWith(await sign()));
    const topic = JSON.stringify(`realtime:${"x".repeat(1000)}`);
    await sendUntilCut(slow, text("2.0.0", topic, '"phx_join"', "{}"));
    const { code, error } = await served.relay.line(({ event }) => event === "close");
    assert.deepEqual([code, error], [4413, "unread"]);
  });
});

testOnNewest("a refused client is answered a bounded number of times", async (host) => {
  const env = { RELAY_REFUSAL_DELAY_MS: "60000" };
  const join = text("2.0.0", '"realtime:a"', '"phx_join"', "{}");
  await withRelay(host, { env }, async ({ relay, upstream }) => {
    const long = `["1","1","${"x".repeat(70_000)}"`;
    for (const flood of [Array(1000).fill(join), Array(4).fill(long)]) {
      using slow = await RawSocket.open(`ws://${relay.address}/relay?vsn=2.0.0`);
      await slow.sendText(...flood);
      const { code, reason } = await slow.close();
      assert.deepEqual([code, reason.split(":")[0]], [4401, "token_missing"]);
    }
    assert.equal(upstream.dials(), 0);
  });
});

testOnNewest("an upstream that stops reading ends its own socket alone", async (host) => {
  const mute = serveMute();
  await withRelay(host, { env: { ...TIGHT, SUPABASE_URL: mute.url } }, async (served) => {
    const url = served.urlWith(await sign());
    const other = connect(url);
    await other.opened;
    using client = await RawSocket.open(url);
    await sendUntilCut(client, text("2.0.0", '"phoenix"', '"heartbeat"', `"${"x".repeat(8000)}"`));
    // The log tells it: TCP may drop the close frame, since what the client sent was not all read.
    const { code, error } = await served.relay.line(({ event }) => event === "close");
    assert.deepEqual([code, error], [4413, "unread"]);
    assert.equal(other.socket.readyState, WebSocket.OPEN);
    await mute.stop();
    assert.equal((await other.closed).code, 4502);
  });
});

testOnNewest("a half-open client is given up, and one that speaks is not", async (host) => {
  let told = 0;
  const recorder = record();
  const onSocket = (socket: WebSocket, request: Request) => {
    recorder.onSocket!(socket, request);
    socket.addEventListener("close", ({ code }) => told = code);
  };
  // A busy machine may keep the one that speaks from it for a second; a quick one sends no end.
  const env = { RELAY_MAX_SILENCE_S: "2", RELAY_FRAME_BURST: "1000000" };
  await withRelay(host, { ...recorder, onSocket, env }, async (served) => {
    const speaks = connect(served.urlWith(await sign()));
    await speaks.opened;
    using silent = await RawSocket.open(served.urlWith(await sign()));
    const closed = silent.close();
    while (told === 0) assert.deepEqual(await attack(speaks, "2.0.0", []), { refused: [] });
    const { code, reason } = await closed;
    assert.deepEqual([code, reason.split(":")[0], told], [4408, "silent", 4408]);
    assert.deepEqual(await attack(speaks, "2.0.0", []), { refused: [] });
    speaks.socket.close();
    await speaks.closed;
  });
});

Deno.test({
  name: "an upstream that says nothing is given up at its second heartbeat" +
    (LONG ? "" : " (skipped: takes a minute, RELAY_TEST_LONG=1 runs it)"),
  ignore: !LONG,
  async fn() {
    const mute = serveMute();
    await withRelay(hosts[0], { env: { SUPABASE_URL: mute.url } }, async ({ urlWith }) => {
      const { code, reason } = await connect(urlWith(await sign())).closed;
      assert.deepEqual([code, reason.split(":")[0]], [4502, "upstream_timeout"]);
      await mute.stop();
    });
  },
});
