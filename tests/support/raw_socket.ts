import { Buffer } from "node:buffer";
import { Wire } from "./wire.ts";

const HANDSHAKE = [
  ...["Upgrade: websocket", "Connection: Upgrade"],
  ...["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"],
];

/** A frame as a client sends it (RFC 6455, 5.2), masked with zeros. */
export function maskedFrame(opcode: number, payload: string | Uint8Array): Uint8Array {
  const data = Buffer.from(payload as Uint8Array);
  const head = Buffer.alloc(data.length < 126 ? 6 : data.length < 65_536 ? 8 : 14);
  head[0] = 0x80 | opcode;
  head[1] = 0x80 | (data.length < 126 ? data.length : data.length < 65_536 ? 126 : 127);
  if (head.length === 8) head.writeUInt16BE(data.length, 2);
  if (head.length === 14) head.writeBigUInt64BE(BigInt(data.length), 2);
  return Buffer.concat([head, data]);
}

/** A WebSocket client that is only as polite as its test: it reads nothing by itself. */
export class RawSocket {
  private constructor(readonly wire: Wire) {}

  /** Opens a socket, with `caCerts` beside known authorities; throws if the answer is no upgrade. */
  static async open(url: string, caCerts?: string[]): Promise<RawSocket> {
    const { pathname, search, host } = new URL(url);
    const wire = await Wire.to(url.replace(/^ws/, "http"), caCerts);
    await wire.send(
      [`GET ${pathname}${search} HTTP/1.1`, `Host: ${host}`, ...HANDSHAKE, "", ""].join("\r\n"),
    );
    const head = await wire.until("\r\n\r\n");
    if (!head.startsWith("HTTP/1.1 101")) throw new Error(`no upgrade: ${head.slice(0, 40)}`);
    return new RawSocket(wire);
  }

  async sendText(...texts: string[]): Promise<void> {
    await this.wire.send(Buffer.concat(texts.map((text) => maskedFrame(1, text))));
  }

  /** Reads up to the close frame, which must come before the end, and gives its code and reason. */
  close(): Promise<{ code: number; reason: string }> {
    const closed = this.#readClose();
    // A test that fails before it awaits this tells its own failure, not this one's.
    closed.catch(() => {});
    return closed;
  }

  async #readClose(): Promise<{ code: number; reason: string }> {
    while (true) {
      const [first, length] = await this.wire.take(2);
      if (length === undefined) throw new Error("The connection ended without a close frame.");
      const long = length === 126 ? 2 : length === 127 ? 8 : 0;
      const size = long ? Number(`0x${(await this.wire.take(long)).toString("hex")}`) : length;
      const payload = await this.wire.take(size);
      if ((first & 0x0f) !== 8) continue;
      return { code: payload.readUInt16BE(0), reason: payload.toString("utf8", 2) };
    }
  }

  [Symbol.dispose](): void {
    this.wire.close();
  }
}

/** A TCP server that completes WebSocket handshakes, then reads nothing and says nothing. */
export function serveMute() {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const wires: Wire[] = [];
  const run = (async () => {
    for await (const connection of listener) wires.push(await accept(connection));
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}`,
    /** The server's ends of its sockets. */
    wires,
    async stop() {
      listener.close();
      await run;
      for (const wire of wires) wire.close();
    },
  };
}

async function accept(connection: Deno.Conn): Promise<Wire> {
  const wire = new Wire(connection);
  const [, key] = /sec-websocket-key: (.+)\r/i.exec(await wire.until("\r\n\r\n"))!;
  const text = new TextEncoder().encode(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
  const digest = Buffer.from(await crypto.subtle.digest("SHA-1", text)).toString("base64");
  await wire.send(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Accept: ${digest}\r\n\r\n`,
  );
  return wire;
}
