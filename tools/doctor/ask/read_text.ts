import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { AGENT, headersOf } from "./headers.ts";
import { lookup } from "./home.ts";
import { afterTime } from "./within.ts";

/** What came for a plain GET; redirects are not followed, so that nobody else is asked. */
export interface Text {
  status: number;
  ok: boolean;
  headers: Headers;
  /** At most `most` bytes of it. */
  text: string;
}

/** Bytes that several questions may read between them. */
export interface Room {
  left: number;
}

export interface Question {
  waitMs: number;
  most: number;
  /** Shared with other questions. Default: none is. */
  room?: Room;
  /** Nothing is read of an answer of another type. Default: any. */
  type?: string;
  /** Sent beside the doctor's own. */
  headers?: Record<string, string>;
}

/**
 * Reads a URL's text, never more than `most` bytes of it. Rejects where no answer came within
 * `waitMs`; what came of a text by then is taken.
 */
export async function readText(url: URL, question: Question): Promise<Text> {
  const { waitMs, most, type = "", room = { left: most } } = question;
  const request = (url.protocol === "https:" ? requestHttps : requestHttp)(url, {
    // A connection of its own, which no later question finds half read.
    ...{ lookup, agent: false },
    headers: { ...AGENT, ...question.headers },
  });
  const cancel = afterTime(waitMs, () => request.destroy(new Error("No answer came in time.")));
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request.once("response", resolve).on("error", reject);
      // Who answers by 101 what asked for nothing of the kind is hung up on without a word.
      request.once("close", () => reject(new Error("What came is no answer."))).end();
    });
    const status = response.statusCode!;
    const ok = status >= 200 && status < 300;
    const headers = headersOf(fieldsOf(response));
    const isRight = headers.get("content-type")?.includes(type) ?? type === "";
    const text = ok && isRight ? await readAtMost(response, most, room) : "";
    return { status, ok, headers, text };
  } finally {
    cancel();
    request.destroy();
  }
}

function* fieldsOf({ rawHeaders }: IncomingMessage): Generator<[name: string, value: string]> {
  for (let at = 0; at < rawHeaders.length; at += 2) yield [rawHeaders[at], rawHeaders[at + 1]];
}

async function readAtMost(body: IncomingMessage, most: number, room: Room): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let left = most;
  try {
    for await (const piece of body) {
      text += decoder.decode(piece.subarray(0, Math.min(left, room.left)), { stream: true });
      left -= piece.length;
      room.left = Math.max(0, room.left - piece.length);
      if (left <= 0 || room.left === 0) break;
    }
  } catch {
    // It was cut, or took too long: what came tells something.
  }
  return text;
}
