import type { Ends } from "./ends.ts";
import { quantile } from "../statistics.ts";

export interface RequestOptions {
  /** Of the proxy, on 127.0.0.1. */
  port: number;
  host: string;
  count: number;
}

/** As many as a page's browser opens; each has one request under way. */
const CONNECTIONS = 6;

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

/** HTTP requests through the proxy, for what supabase-js asks of REST; the median time, in ms. */
export function request(ends: Ends, { port, host, count }: RequestOptions): { ms: number } {
  const head = encoder.encode(
    `GET /rest/v1/short_links?select=slug,title HTTP/1.1\r\nHost: ${host}\r\n` +
      "Accept: application/json\r\nUser-Agent: bench\r\n\r\n",
  );
  const times: number[] = [];
  let left = count;
  for (let n = 0; n < CONNECTIONS; n++) {
    let answer = "";
    let sentAt = 0;
    const next = () => {
      if (left === 0) return;
      left--;
      sentAt = performance.now();
      send(head);
    };
    const send = ends.plain(port, (data) => {
      answer += decoder.decode(data);
      if (!isWhole(answer)) return;
      answer = "";
      times.push(performance.now() - sentAt);
      next();
    });
    next();
  }
  ends.until(() => times.length === count, "answers to requests");
  return { ms: quantile(times, 0.5) };
}

/** Throws for an answer that is none of the upstream end's. */
function isWhole(answer: string): boolean {
  const end = answer.indexOf("\r\n\r\n") + 4;
  if (end < 4) return false;
  const [, length] = /^content-length: *(\d+)/im.exec(answer) ?? [];
  if (!answer.startsWith("HTTP/1.1 200") || length === undefined) {
    throw new Error(`not the upstream's answer: ${answer}`);
  }
  return answer.length === end + Number(length);
}
