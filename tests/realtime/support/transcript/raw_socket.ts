/** A WebSocket client that shows what happens on the wire, and may do what no browser does. */
import { exchange, Line } from "./http.ts";
import type { Answer, Frame } from "./steps.ts";

const OP = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };
const utf8 = new TextEncoder();

export interface Closing {
  code: number;
  reason: string;
}

export class RawSocket {
  /** All that came, in order. */
  readonly frames: Frame[] = [];
  /** How the socket was closed, once it is: 1005 without a code, 1006 without a close frame. */
  end?: Closing;
  #parts: { opcode: number; bytes: Uint8Array[] } = { opcode: 0, bytes: [] };
  #writing: Promise<void> = Promise.resolve();
  #closeSent = false;
  #reading: Promise<void>;

  constructor(readonly line: Line, readonly wake: () => void) {
    this.#reading = this.#read();
  }

  /** Opens a socket; the answer alone where it is refused. `wake` is called for all that comes. */
  static async open(
    url: string,
    path: string,
    headers: Record<string, string>,
    wake: () => void,
  ): Promise<{ answer: Answer; socket?: RawSocket }> {
    const line = await Line.to(url);
    const answer = await exchange(line, {
      path,
      headers: {
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": btoa(
          String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))),
        ),
        ...headers,
      },
    });
    if (answer.status === 101) return { answer, socket: new RawSocket(line, wake) };
    line.connection.close();
    return { answer };
  }

  send(frame: Frame): Promise<void> {
    return frame.startsWith("BIN ")
      ? this.#write(OP.binary, fromHex(frame.slice(4)))
      : this.#write(OP.text, utf8.encode(frame));
  }

  /** Closes without a code, as `close()` of a browser does; settled when the server agreed. */
  async close(): Promise<void> {
    if (!this.end && !this.#closeSent) await this.#sendClose(new Uint8Array());
    await this.#reading;
  }

  /** Lets go of the line without a word. */
  async cut(): Promise<void> {
    this.line.connection.close();
    await this.#reading;
  }

  #sendClose(payload: Uint8Array): Promise<void> {
    this.#closeSent = true;
    return this.#write(OP.close, payload);
  }

  #write(opcode: number, payload: Uint8Array): Promise<void> {
    const { length } = payload;
    const size = length < 126 ? [length] : length < 65536 ? [126, length >> 8, length & 255] : [
      127,
      ...[0, 0, 0, 0],
      ...[24, 16, 8, 0].map((shift) => (length >>> shift) & 255),
    ];
    // A mask of zeros leaves the payload as it is: there is no proxy here to be protected.
    const head = [0x80 | opcode, 0x80 | size[0], ...size.slice(1), 0, 0, 0, 0];
    const frame = new Uint8Array(head.length + length);
    frame.set(head);
    frame.set(payload, head.length);
    // A server that closed in the meantime is seen by the reading side.
    this.#writing = this.#writing.then(() => this.line.write(frame)).catch(() => {});
    return this.#writing;
  }

  async #read() {
    while (!this.end && await this.#readFrame());
    this.end ??= { code: 1006, reason: "" };
    try {
      this.line.connection.close();
    } catch {
      // Cut by us.
    }
    this.wake();
  }

  async #readFrame(): Promise<boolean> {
    const head = await this.line.read(2);
    if (!head) return false;
    const [final, opcode, short] = [head[0] >= 0x80, head[0] & 15, head[1] & 127];
    const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
    const size = extra ? toNumber((await this.line.read(extra)) ?? new Uint8Array()) : short;
    const payload = await this.line.read(size);
    if (!payload) return false;
    await this.#take(final, opcode, payload.slice());
    return true;
  }

  async #take(final: boolean, opcode: number, payload: Uint8Array) {
    if (opcode === OP.ping) return await this.#write(OP.pong, payload);
    if (opcode === OP.close) {
      const [code, reason] = [toNumber(payload.subarray(0, 2)), decode(payload.subarray(2))];
      if (!this.#closeSent) await this.#sendClose(payload.subarray(0, 2));
      this.end = payload.length < 2 ? { code: 1005, reason: "" } : { code, reason };
      return;
    }
    if (opcode === OP.text || opcode === OP.binary) this.#parts = { opcode, bytes: [] };
    this.#parts.bytes.push(payload);
    if (!final) return;
    const whole = new Uint8Array(await new Blob(this.#parts.bytes as BlobPart[]).arrayBuffer());
    this.frames.push(this.#parts.opcode === OP.text ? decode(whole) : `BIN ${toHex(whole)}`);
    this.wake();
  }
}

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

const toNumber = (bytes: Uint8Array) => bytes.reduce((sum, byte) => sum * 256 + byte, 0);

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));
}
