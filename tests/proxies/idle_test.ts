import assert from "node:assert/strict";
import { withDirectory } from "../support/directory.ts";
import { LONG } from "../support/long.ts";
import { makeCertificate } from "../support/proxies/certificate.ts";
import { type Front, MISSING, PROXIES, withShipped } from "../support/proxies/shipped.ts";
import { findProgram } from "../support/proxies/start.ts";
import { RawSocket, serveMute } from "../support/raw_socket.ts";
import type { Wire } from "../support/wire.ts";

const IDLE_MS = 120_000;
const PATHS = ["/realtime/v1/websocket", "/functions/v1/relay/websocket"];
const openssl = findProgram("openssl");
const skipped = !LONG
  ? " (skipped: takes two minutes, RELAY_TEST_LONG=1 runs it)"
  : openssl
  ? MISSING
  : " (skipped: there is no openssl)";

Deno.test({
  name: `a socket on which nobody says anything for two minutes lives on${skipped}`,
  ignore: !LONG || !openssl || PROXIES.length === 0,
  fn: () =>
    withDirectory(async (directory) => {
      const certificate = await makeCertificate(directory);
      const mute = serveMute();
      const { host } = new URL(mute.url);
      const ends = { gateway: host, relay: host, certificate };
      try {
        await withShipped(ends, (fronts) => fallSilent(fronts, mute.wires, certificate.pem));
      } finally {
        await mute.stop();
      }
    }),
});

/** Two sockets behind each proxy, which must carry a text both ways after the silence. */
async function fallSilent(fronts: Front[], wires: Wire[], pem: string): Promise<void> {
  const sockets: { name: string; socket: RawSocket }[] = [];
  try {
    for (const { name, host } of fronts) {
      for (const path of PATHS) {
        const socket = await RawSocket.open(`wss://${host}${path}`, [pem]);
        sockets.push({ name: `${name} ${path}`, socket });
      }
    }
    await new Promise((wake) => setTimeout(wake, IDLE_MS));
    const answers = Promise.allSettled(wires.map(answer));
    const cut = await Promise.all(sockets.map(async ({ name, socket }) => {
      return await isOpen(socket, name) ? [] : name;
    }));
    assert.deepEqual(cut.flat(), [], "cut while idle");
    await answers;
  } finally {
    for (const { socket } of sockets) socket[Symbol.dispose]();
  }
}

/** Sends a text, and tells whether it comes back. */
async function isOpen(socket: RawSocket, text: string): Promise<boolean> {
  try {
    await socket.sendText(text);
    const [, length = 0] = await socket.wire.take(2);
    return (await socket.wire.take(length)).toString() === text;
  } catch {
    return false;
  }
}

/** The server's side of it: the next text, whose mask is of zeros, goes back. */
async function answer(wire: Wire): Promise<void> {
  const [, length = 0] = await wire.take(2);
  const text = (await wire.take(4 + (length & 127))).subarray(4);
  await wire.send(new Uint8Array([0x81, text.length, ...text]));
}
