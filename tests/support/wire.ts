import { Buffer } from "node:buffer";
import { inTime } from "./in_time.ts";

/** One end of a TCP connection, read by the amount. */
export class Wire {
  #rest = Buffer.alloc(0);
  /** Whether the last answer said that it was the last. */
  closes = false;
  constructor(readonly connection: Deno.Conn) {}

  /** Connects to the host and port of `url`, for https by TLS. */
  static async to(url: string, caCerts?: string[]): Promise<Wire> {
    const { protocol, hostname, port } = new URL(url);
    const address = { hostname, port: Number(port) };
    const secure = protocol === "https:";
    return new Wire(
      await (secure ? Deno.connectTls({ ...address, caCerts }) : Deno.connect(address)),
    );
  }

  async send(data: string | Uint8Array): Promise<void> {
    let rest = Buffer.from(data as Uint8Array);
    while (rest.length) rest = rest.subarray(await this.connection.write(rest));
  }

  /** The next `size` bytes; fewer only before the end. */
  async take(size: number): Promise<Buffer> {
    const pieces = [this.#rest];
    for (let have = this.#rest.length; have < size;) {
      const piece = Buffer.alloc(65_536);
      const read = await inTime(this.connection.read(piece), "bytes come, or an end");
      if (read === null) break;
      pieces.push(piece.subarray(0, read));
      have += read;
    }
    const all = Buffer.concat(pieces);
    this.#rest = all.subarray(size);
    return all.subarray(0, size);
  }

  /** All bytes up to `end`, which is taken too; or up to the end of the connection. */
  async until(end: string): Promise<string> {
    const taken: Buffer[] = [];
    while (!Buffer.concat(taken).includes(end)) {
      const next = await this.take(1);
      if (next.length === 0) break;
      taken.push(next);
    }
    return Buffer.concat(taken).toString("latin1");
  }

  /** Status and code of the next answer; the code is the relay's own. */
  async answer(): Promise<[status: number, code: string | undefined]> {
    const head = await this.until("\r\n\r\n");
    this.closes = /^connection: close\r$/im.test(head);
    const size = Number(/^content-length: (\d+)\r$/im.exec(head)?.[1] ?? 0);
    const body = String(await this.take(size));
    return [Number(head.split(" ")[1]), body ? JSON.parse(body).code : undefined];
  }

  /** Whether the other end says no more, be it by an end or by a reset. */
  async ended(): Promise<boolean> {
    try {
      return (await this.take(1)).length === 0;
    } catch (error) {
      return error instanceof Deno.errors.ConnectionReset;
    }
  }

  close(): void {
    try {
      this.connection.close();
    } catch {
      // It was closed already.
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
