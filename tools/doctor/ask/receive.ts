import { Buffer } from "node:buffer";
import { type Connection, NoAnswer } from "./connect.ts";
import { fieldOf, headersOf } from "./headers.ts";

/** What came back on the wire for a request. */
export interface Answer {
  status: number;
  headers: Headers;
  /** The first few kilobytes, as text. */
  body: string;
}

/** Enough to tell a JSON refusal from a page. */
const MAX_BODY = 4_096;
const LAST_CHUNK = "\r\n0\r\n";
const MAX_HEAD = 64 * 1024;

/** Reads an answer, of its body the first `most` bytes. Throws NoAnswer for what is none. */
export async function receive(connection: Connection, most = MAX_BODY): Promise<Answer> {
  let bytes = Buffer.alloc(0);
  const more = async () => {
    const piece = await connection.read();
    if (!piece) return false;
    bytes = Buffer.concat([bytes, piece]);
    return true;
  };
  while (!bytes.includes("\r\n\r\n")) {
    if (bytes.length >= 5 && !bytes.subarray(0, 5).equals(Buffer.from("HTTP/"))) {
      throw new NoAnswer(
        "not_http",
        `it ${isTls(bytes) ? "speaks TLS" : isHttp2(bytes) ? "speaks HTTP/2" : "is not HTTP"}`,
      );
    }
    if (bytes.length > MAX_HEAD || !await more()) {
      throw new NoAnswer("closed", "the connection was closed without an answer");
    }
  }
  const end = bytes.indexOf("\r\n\r\n");
  const [first, ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const status = Number(first.split(" ")[1]);
  const headers = headersOf(lines.map(fieldOf));
  if (status === 101) return { status, headers, body: "" };
  const chunked = /chunked/i.test(headers.get("transfer-encoding") ?? "");
  const told = Number(headers.get("content-length") ?? most);
  // Of two lengths, or of words, none counts.
  const length = chunked || !(told >= 0) ? most : told;
  const enough = end + 4 + Math.min(length, most);
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

/** An alert, by which TLS answers what is none (RFC 8446, 5.1). */
const isTls = (bytes: Buffer): boolean => bytes[0] === 0x15 && bytes[1] === 3;

/** The server's first frame is SETTINGS, or GOAWAY: length, type, flags, stream 0. */
function isHttp2(bytes: Buffer): boolean {
  return bytes[0] === 0 && (bytes[3] === 4 || bytes[3] === 7);
}
