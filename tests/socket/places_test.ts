import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { record } from "../support/attack.ts";
import { connect } from "../support/client.ts";
import { inTime } from "../support/in_time.ts";
import { RawSocket } from "../support/raw_socket.ts";
import { testOnHosts } from "../support/relay_host.ts";
import { type ServedRelay, withRelay } from "../support/served_relay.ts";
import { sign } from "../support/tokens.ts";
import { Wire } from "../support/wire.ts";

/** A relay whose clock goes faster, so that what it gives up after seconds is seen to be kept. */
const HURRY = [fileURLToPath(new URL("support/hurry.ts", import.meta.url)), "20"];

interface Sockets {
  open: number;
  closing: number;
  refused: number;
  waiting: number;
  most: number;
}

async function socketsOf({ relay }: ServedRelay): Promise<Sockets> {
  const { sockets } = await (await fetch(`http://${relay.address}/relay/health`)).json();
  return sockets;
}

/** Asks until it is so; a test that waits in vain is ended by inTime(). */
async function until(served: ServedRelay, test: (sockets: Sockets) => boolean): Promise<Sockets> {
  while (true) {
    const sockets = await socketsOf(served);
    if (test(sockets)) return sockets;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The status of an upgrade's answer. */
async function statusOf(url: string): Promise<number> {
  const { pathname, search, host } = new URL(url);
  using wire = await Wire.to(url.replace(/^ws/, "http"));
  const head = [
    `GET ${pathname}${search} HTTP/1.1`,
    ...[`Host: ${host}`, "Upgrade: websocket", "Connection: Upgrade"],
    ...["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"],
  ];
  await wire.send(`${head.join("\r\n")}\r\n\r\n`);
  return Number((await wire.until("\r\n")).split(" ")[1]);
}

/** Reads its close frame and never answers it. */
async function openMute(url: string): Promise<RawSocket> {
  const socket = await RawSocket.open(url);
  await socket.close();
  return socket;
}

testOnHosts("refused clients that do not answer their close keep their places", async (host) => {
  const env = {
    RELAY_REFUSAL_MAX: "3",
    RELAY_REFUSAL_DELAY_MS: "0",
    RELAY_JOIN_TIMEOUT_MS: "30000",
    RELAY_DIAL_TIMEOUT_MS: "60000",
  };
  await withRelay(host, { env, entry: HURRY }, async (served) => {
    const url = `ws://${served.relay.address}/relay?vsn=2.0.0`;
    const mute = [await openMute(url), await openMute(url), await openMute(url)];
    // Half a minute by its clock: nobody waits for them any more.
    assert.equal((await connect(served.urlWith(await sign())).closed).code, 4408);
    assert.equal((await socketsOf(served)).refused, 3);
    assert.equal(await statusOf(url), 503, "beyond the bound the answer is plain HTTP");
    assert.equal(await statusOf(served.urlWith(await sign())), 101, "who may come is let in");
    mute[0].wire.close();
    const { refused } = await inTime(
      until(served, ({ refused }) => refused < 3),
      "a place is free",
    );
    assert.equal(refused, 2);
    assert.equal((await connect(url).closed).code, 4401);
    for (const { wire } of mute) wire.close();
    await inTime(until(served, ({ refused }) => refused === 0), "all places are free");
  });
});

testOnHosts(
  "clients that do not answer their close are counted, and told by health",
  async (host) => {
    const env = {
      RELAY_MAX_SOCKETS: "2",
      RELAY_FRAME_BURST: "1",
      RELAY_FRAMES_PER_SECOND: "1",
      RELAY_JOIN_TIMEOUT_MS: "3600000",
      RELAY_MAX_SILENCE_S: "86400",
      RELAY_DIAL_TIMEOUT_MS: "60000",
    };
    await withRelay(host, { ...record(), env, entry: HURRY }, async (served) => {
      const url = served.urlWith(await sign());
      const open = [await RawSocket.open(url), await RawSocket.open(url)];
      const { closing, most } = await inTime(
        until(served, ({ open }) => open === 2),
        "both are open",
      );
      assert.deepEqual([closing, most], [0, 2]);
      for (const socket of open) {
        await socket.sendText(...Array(3).fill('[null,"1","phoenix","heartbeat",{}]'));
        assert.equal((await socket.close()).code, 4429);
      }
      // Nobody waits for them any more.
      const first = await served.relay.line(({ event }) => event === "close");
      await served.relay.line(({ event, id }) => event === "close" && id !== first.id);
      const sockets = await socketsOf(served);
      assert.deepEqual([sockets.open, sockets.closing, sockets.waiting], [0, 2, 0]);
      const { code, reason } = await connect(url).closed;
      assert.deepEqual([code, reason.split(":")[0]], [4429, "too_many_sockets"]);
      for (const { wire } of open) wire.close();
      await inTime(until(served, ({ closing }) => closing === 0), "all places are free");
      const next = connect(url);
      await next.opened;
      next.socket.close();
      await next.closed;
    });
  },
);
