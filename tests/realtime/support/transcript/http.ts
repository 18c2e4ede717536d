/** HTTP/1.1 as bytes on a connection, so that Host, refused upgrades and headers are as they are. */
import type { Answer } from "./steps.ts";

/** By which the server knows its tenant. */
export const HOST = "realtime-dev.localhost";
/** Longer heads than any here: what does not end by then is no HTTP. */
const MAX_HEAD_BYTES = 64 * 1024;
const utf8 = new TextEncoder();

export interface Request {
  /** Of HTTP. Default 1.1. */
  version?: "1.0";
  /** Goes by the stack's gateway, at the address that it has there. */
  isByGateway?: boolean;
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
}

/** A connection that is read as far as somebody asks. */
export class Line {
  #left: Uint8Array = new Uint8Array();
  constructor(readonly connection: Deno.Conn) {}

  static async to(url: string): Promise<Line> {
    const { hostname, port } = new URL(url);
    return new Line(await Deno.connect({ hostname, port: Number(port) }));
  }

  /** So many bytes; undefined when the line ends before. */
  async read(size: number): Promise<Uint8Array | undefined> {
    while (this.#left.length < size) if (!(await this.#more())) return undefined;
    const bytes = this.#left.subarray(0, size);
    this.#left = this.#left.subarray(size);
    return bytes;
  }

  async write(bytes: Uint8Array) {
    for (let sent = 0; sent < bytes.length;) {
      sent += await this.connection.write(bytes.subarray(sent));
    }
  }

  /** The text up to an empty line. */
  async readHead(): Promise<string> {
    for (let end = -1;;) {
      end = new TextDecoder("latin1").decode(this.#left).indexOf("\r\n\r\n");
      if (end >= 0) return new TextDecoder().decode((await this.read(end + 4))!);
      if (this.#left.length > MAX_HEAD_BYTES || !(await this.#more())) {
        throw new Error("the answer of the server is no HTTP");
      }
    }
  }

  async #more(): Promise<boolean> {
    const chunk = new Uint8Array(64 * 1024);
    const size = await this.connection.read(chunk).catch(() => null);
    if (size === null) return false;
    const joined = new Uint8Array(this.#left.length + size);
    joined.set(this.#left);
    joined.set(chunk.subarray(0, size), this.#left.length);
    this.#left = joined;
    return true;
  }
}

/** Sends a request and reads its answer; the body of an upgrade's 101 is left on the line. */
export async function exchange(line: Line, request: Request): Promise<Answer> {
  const { method = "GET", path, version = "1.1", body = "" } = request;
  const bytes = typeof body === "string" ? utf8.encode(body) : body;
  const headers = {
    ...request.headers,
    ...(bytes.length ? { "content-length": bytes.length } : {}),
  };
  const head = [
    `${method} ${path} HTTP/${version}`,
    ...Object.entries(headers).map((h) => h.join(": ")),
  ];
  await line.write(utf8.encode(`${head.join("\r\n")}\r\n\r\n`));
  await line.write(bytes);
  const [status, ...answered] = (await line.readHead()).trimEnd().split("\r\n");
  const fields = Object.fromEntries(answered.map((field) => {
    const colon = field.indexOf(":");
    return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
  }));
  const text = await line.read(Number(fields["content-length"] ?? 0));
  return {
    status: Number(status.split(" ")[1]),
    headers: fields,
    body: new TextDecoder().decode(text),
  };
}

/** One request on a connection of its own. */
export async function ask(url: string, request: Request): Promise<Answer> {
  const line = await Line.to(url);
  try {
    return await exchange(line, request);
  } finally {
    line.connection.close();
  }
}
