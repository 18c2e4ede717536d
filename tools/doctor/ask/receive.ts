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
const END = "\r\n\r\n";
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
  let start = 0;
  const readHead = async () => {
    while (!bytes.includes(END, start)) {
      const first = bytes.subarray(start, start + 5);
      if (first.length === 5 && first.toString("latin1") !== "HTTP/") {
        throw new NoAnswer("not_http", `it ${languageOf(bytes)}`);
      }
      if (bytes.length > MAX_HEAD || !await more()) {
        throw new NoAnswer("closed", "the connection was closed without an answer");
      }
    }
    const end = bytes.indexOf(END, start);
    const [first, ...lines] = bytes.subarray(start, end).toString("latin1").split("\r\n");
    start = end + END.length;
    return { status: Number(first.split(" ")[1]), headers: headersOf(lines.map(fieldOf)) };
  };
  let { status, headers } = await readHead();
  // Hints that come before the answer (RFC 9110, 15.2).
  while (status >= 100 && status < 200 && status !== 101) ({ status, headers } = await readHead());
  if (status === 101) return { status, headers, body: "" };
  const chunked = /chunked/i.test(headers.get("transfer-encoding") ?? "");
  const told = Number(headers.get("content-length") ?? most);
  // Of two lengths, or of words, none counts.
  const length = chunked || !(told >= 0) ? most : told;
  const enough = start + Math.min(length, most);
  const isWhole = () => bytes.length >= enough || chunked && bytes.includes(LAST_CHUNK, start - 2);
  // An answer that is cut short still tells its status.
  while (!isWhole() && await more().catch(() => false));
  const body = bytes.subarray(start, enough).toString("utf8");
  return { status, headers, body: chunked ? unchunk(body) : body };
}

/** Chunks without their sizes (RFC 9112, 7.1), of a text that may be cut. */
function unchunk(body: string): string {
  return body.replace(/(?:^|\r\n)[0-9a-f]+(?:;[^\r\n]*)?\r\n/gi, "");
}

const languageOf = (bytes: Buffer): string =>
  isTls(bytes) ? "speaks TLS" : isHttp2(bytes) ? "speaks HTTP/2" : "is not HTTP";

/** An alert, by which TLS answers what is none (RFC 8446, 5.1). */
const isTls = (bytes: Buffer): boolean => bytes[0] === 0x15 && bytes[1] === 3;

/** The server's first frame is SETTINGS, or GOAWAY: length, type, flags, stream 0. */
function isHttp2(bytes: Buffer): boolean {
  return bytes[0] === 0 && (bytes[3] === 4 || bytes[3] === 7);
}
