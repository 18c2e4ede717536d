import { Buffer } from "node:buffer";
import { connect, type Connection, NoAnswer } from "./connect.ts";
import { AGENT } from "./headers.ts";
import { type Answer, receive } from "./receive.ts";
import { afterTime } from "./within.ts";

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
  /** Bytes of a body that are read. Default 4,096, enough to tell a JSON refusal from a page. */
  most?: number;
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
    connection.close();
  });
  try {
    await connection.write(Buffer.from(requestOf(url, options), "latin1"));
    const answer = await receive(connection, options.most);
    if (answer.status === 101) await sayGoodbye(connection);
    return answer;
  } catch (error) {
    if (late) throw new NoAnswer("silent", `nothing came within ${options.waitMs / 1000} s`);
    if (error instanceof NoAnswer) throw error;
    throw new NoAnswer("closed", "the connection was cut");
  } finally {
    cancel();
    connection.close();
  }
}

function requestOf(url: URL, { headers = {}, upgrade = true }: Ask): string {
  const all: Record<string, string> = {
    Host: url.host,
    ...AGENT,
    ...(upgrade
      ? {
        ...{ Connection: "Upgrade", Upgrade: "websocket" },
        ...{ "Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13" },
        "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
      }
      : { Connection: "close", Accept: "*/*" }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return [`GET ${url.pathname}${url.search} HTTP/1.1`, ...lines, "", ""].join("\r\n");
}

/** A socket that ends without a close frame holds its proxy for a while. */
async function sayGoodbye(connection: Connection): Promise<void> {
  const timer = setTimeout(() => connection.close(), GOODBYE_MS);
  try {
    await connection.write(CLOSE_FRAME);
    while (await connection.read() !== null);
  } catch {
    // It has ended, which was the aim.
  } finally {
    clearTimeout(timer);
  }
}
