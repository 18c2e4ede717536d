/** Fuzzing a relay over real connections: what a polite client cannot send at all. */
import { Buffer } from "node:buffer";
import type { Vsn } from "../../../../supabase/functions/relay/realtime/upstream.ts";
import { text } from "../../../support/attack.ts";
import { inTime } from "../../../support/in_time.ts";
import { maskedFrame, RawSocket } from "../../../support/raw_socket.ts";
import { Wire } from "../../../support/wire.ts";
import type { Data } from "./frames.ts";
import type { Handshake } from "./handshakes.ts";
import type { Random } from "./random.ts";

/** Bytes that are no HTTP, or end a line or a text where none should. */
const BROKEN = ["\0", "\r\n", "\n", "\xff\xfe", ":", "\r\n\r\n", "\x7f", "HTTP/9.9", "\r\n folded"];

/** Sends a handshake, as it is or broken, and returns the status; 0 where there is no answer. */
export async function shake(
  address: string,
  { method, host, target, headers }: Handshake,
  broken?: Random,
): Promise<number> {
  using wire = await Wire.to(`http://${address}`);
  const lines = [["host", host], ...headers].map(([name, value]) => `${name}: ${value}`);
  let head = [`${method} ${target} HTTP/1.1`, ...lines, "", ""].join("\r\n");
  if (broken) {
    const at = broken.below(head.length);
    head = head.slice(0, at) + broken.pick(BROKEN) + head.slice(at + broken.below(4));
    if (broken.oneIn(4)) head = head.slice(0, broken.below(head.length));
    // A head without an end, or of empty lines alone, would be waited for.
    head += "\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n";
  }
  try {
    await wire.send(Buffer.from(head, "latin1"));
    const first = Buffer.alloc(64);
    const read = inTime(wire.connection.read(first), `an answer to ${JSON.stringify(head)}`);
    return await read === null ? 0 : Number(first.toString("latin1").split(" ")[1]);
  } catch (error) {
    // The server may reset what is no HTTP.
    if (error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe) {
      return 0;
    }
    throw error;
  }
}

/** Frames that break RFC 6455: lengths that lie, no mask, unknown kinds, text that is no UTF-8. */
const BREAKING = [
  [0x81, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
  [0x81, 0xfe, 0xff, 0xff, 0, 0, 0, 0, 1],
  [0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
  [0x81, 0x01, 0x61],
  [0x83, 0x80, 0, 0, 0, 0],
  [0x80, 0x81, 0, 0, 0, 0, 0x61],
  [0xf1, 0x80, 0, 0, 0, 0],
  [0x81, 0x82, 0, 0, 0, 0, 0xff, 0xff],
  [0x88, 0x81, 0, 0, 0, 0, 0x03],
  [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xed],
  [0x89, 0xfe, 0x01, 0x00, 0, 0, 0, 0],
  [],
];

/** The last frame of each socket: when it is through, so is all before it. */
export const fence = (vsn: Vsn) => text(vsn, '"phoenix"', '"heartbeat"', "{}", '"fence"');

/** Sends all of it, waits until it is judged, and leaves rudely. */
export async function converse(
  url: string,
  vsn: Vsn,
  sent: readonly Data[],
  judged: Promise<void>,
  random: Random,
): Promise<void> {
  using socket = await RawSocket.open(url);
  const frames = [...sent, fence(vsn)].map((data) =>
    maskedFrame(typeof data === "string" ? 1 : 2, data)
  );
  try {
    await socket.wire.send(Buffer.concat(frames));
    await inTime(judged, "all frames are judged");
    await socket.wire.send(Uint8Array.from(random.pick(BREAKING)));
  } catch (error) {
    // The relay may have closed the socket for one of the frames.
    const isClosed = error instanceof Deno.errors.ConnectionReset ||
      error instanceof Deno.errors.BrokenPipe;
    if (!isClosed) throw error;
  }
}
