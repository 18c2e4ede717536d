import { Buffer } from "node:buffer";
import { afterTime } from "./within.ts";

/** What came back on the wire for a request. */
export interface Answer {
  status: number;
  headers: Headers;
  /** The first few kilobytes, as text. */
  body: string;
}

/** No answer that is HTTP/1.1; `kind` says in which way. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
  constructor(
    readonly kind: "refused" | "timeout" | "closed" | "silent" | "not_http" | "tls" | "name",
    message: string,
  ) {
    super(message);
  }
}

/** Enough to tell a JSON refusal from a page. */
const MAX_BODY = 4_096;
const LAST_CHUNK = "\r\n0\r\n";
const MAX_HEAD = 64 * 1024;
/** The key of RFC 6455's own example, and the answer that it must get. */
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
export const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/** Close, masked by zeros, without a code (RFC 6455, 5.5.1). */
const CLOSE_FRAME = Uint8Array.of(0x88, 0x80, 0, 0, 0, 0);
const GOODBYE_MS = 500;

export interface Ask {
  /** Beside those of an upgrade; a Host here takes the place of the URL's own. */
  headers?: Record<string, string>;
  /** False asks by a plain GET. Default true. */
  upgrade?: boolean;
  waitMs: number;
}

/**
 * Asks by HTTP/1.1 over TCP or TLS, and reads the answer as it stands on the wire, which a WebSocket
 * API hides. The connection is closed afterwards. Throws NoAnswer.
 */
export async function ask(url: URL, options: Ask): Promise<Answer> {
  const connection = await connect(url, options.waitMs);
  let late = false;
  const cancel = afterTime(options.waitMs, () => {
    late = true;
    close(connection);
  });
  try {
    await write(connection, Buffer.from(requestOf(url, options), "latin1"));
    const answer = await readAnswer(connection);
    if (answer.status === 101) await sayGoodbye(connection);
    return answer;
  } catch (error) {
    if (late) throw new NoAnswer("silent", `nothing came within ${options.waitMs / 1000} s`);
    if (error instanceof NoAnswer) throw error;
    throw new NoAnswer("closed", "the connection was cut");
  } finally {
    cancel();
    close(connection);
  }
}

/** Opens TCP, and TLS for https. Throws NoAnswer. */
export async function connect(url: URL, waitMs: number): Promise<Deno.Conn> {
  const { hostname, port } = addressOf(url);
  const late = new AbortController();
  const { signal } = late;
  const cancel = afterTime(waitMs, () => late.abort());
  let connection: Deno.TcpConn;
  try {
    connection = await Deno.connect({ hostname, port, signal });
  } catch (error) {
    const { message } = error as Error;
    if (signal.aborted || error instanceof Deno.errors.TimedOut) {
      throw new NoAnswer("timeout", `no connection within ${waitMs / 1000} s`);
    }
    if (/lookup|resolve|not known|No address/i.test(message)) {
      throw new NoAnswer("name", `${hostname} does not resolve`);
    }
    throw new NoAnswer("refused", `${hostname}:${port} refuses connections`);
  } finally {
    cancel();
  }
  if (url.protocol !== "https:") return connection;
  try {
    const tls = await Deno.startTls(connection, { hostname, alpnProtocols: ["http/1.1"] });
    await tls.handshake();
    return tls;
  } catch (error) {
    close(connection);
    throw new NoAnswer("tls", (error as Error).message);
  }
}

export function addressOf(url: URL): { hostname: string; port: number } {
  const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
  return { hostname: url.hostname.replace(/^\[|\]$/g, ""), port };
}

function requestOf(url: URL, { headers = {}, upgrade = true }: Ask): string {
  const all: Record<string, string> = {
    Host: url.host,
    "User-Agent": "realtime-relay-doctor",
    ...(upgrade
      ? {
        ...{ Connection: "Upgrade", Upgrade: "websocket" },
        ...{ "Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13" },
      }
      : { Connection: "close", Accept: "*/*" }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return [`GET ${url.pathname}${url.search} HTTP/1.1`, ...lines, "", ""].join("\r\n");
}

async function readAnswer(connection: Deno.Conn): Promise<Answer> {
  let bytes = Buffer.alloc(0);
  const more = async () => {
    const piece = new Uint8Array(16_384);
    const size = await connection.read(piece);
    if (size === null) return false;
    bytes = Buffer.concat([bytes, piece.subarray(0, size)]);
    return true;
  };
  while (!bytes.includes("\r\n\r\n")) {
    if (bytes.length >= 5 && !bytes.subarray(0, 5).equals(Buffer.from("HTTP/"))) {
      throw new NoAnswer("not_http", isHttp2(bytes) ? "it speaks HTTP/2" : "it is not HTTP");
    }
    if (bytes.length > MAX_HEAD || !await more()) {
      throw new NoAnswer("closed", "the connection was closed without an answer");
    }
  }
  const end = bytes.indexOf("\r\n\r\n");
  const [first, ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const status = Number(first.split(" ")[1]);
  const headers = headersOf(lines);
  if (status === 101) return { status, headers, body: "" };
  const chunked = /chunked/i.test(headers.get("transfer-encoding") ?? "");
  const length = chunked ? MAX_BODY : Number(headers.get("content-length") ?? MAX_BODY);
  const enough = end + 4 + Math.min(length, MAX_BODY);
  const isWhole = () => bytes.length >= enough || chunked && bytes.includes(LAST_CHUNK, end);
  // An answer that is cut short still tells its status.
  while (!isWhole() && await more().catch(() => false));
  const body = bytes.subarray(end + 4, enough).toString("utf8");
  return { status, headers, body: chunked ? unchunk(body) : body };
}

/** Chunks without their sizes (RFC 9112, 7.1), of a text that may be cut. */
function unchunk(body: string): string {
  return body.replace(/(?:^|\r\n)[0-9a-f]+(?:;[^\r\n]*)?\r\n/gi, "");
}

/** The server's first frame is SETTINGS, or GOAWAY: length, type, flags, stream 0. */
function isHttp2(bytes: Buffer): boolean {
  return bytes[0] === 0 && (bytes[3] === 4 || bytes[3] === 7);
}

function headersOf(lines: string[]): Headers {
  const headers = new Headers();
  for (const line of lines) {
    const [, name, value] = /^([^:\s]+):\s*(.*?)\s*$/.exec(line) ?? [];
    try {
      if (name) headers.append(name, value);
    } catch {
      // Not a field that Headers can hold; nothing here reads such a one.
    }
  }
  return headers;
}

/** A socket that ends without a close frame holds its proxy for a while. */
async function sayGoodbye(connection: Deno.Conn): Promise<void> {
  const timer = setTimeout(() => close(connection), GOODBYE_MS);
  try {
    await write(connection, CLOSE_FRAME);
    while (await connection.read(new Uint8Array(1024)) !== null);
  } catch {
    // It has ended, which was the aim.
  } finally {
    clearTimeout(timer);
  }
}

async function write(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It was closed already.
  }
}
