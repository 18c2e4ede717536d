import type { End, Ends } from "./ends.ts";
import { frame, TEXT } from "./frames.ts";
import { answer } from "./viewers.ts";

export interface OpenOptions {
  /** Of the proxy, on 127.0.0.1. */
  port: number;
  /** The request of each client, whole. */
  heads: string[];
  /** Whether each client has an upstream socket of its own. Default: true. */
  paired?: boolean;
}

/** So many handshakes are under way at once. */
const CONCURRENCY = 16;

const PROBE = '[null,null,"realtime:bench","pair",';
const decoder = new TextDecoder();

/** Opens all sockets; with pairs, up to a first frame that came through each. */
export function open(ends: Ends, { port, heads, paired = true }: OpenOptions): void {
  let done = 0;
  ends.onUpstream = (end) => {
    if (paired) end.send(frame(TEXT, `${PROBE}${end.fd}]`));
  };
  const byFd = (fd: number) => ends.upstreams.find((end) => end.fd === fd)!;
  ends.onFrame = (end, opcode, payload) => {
    if (opcode !== TEXT) return;
    if (end.side === "upstream") return answer(end, payload); // A hub joins when it likes.
    const text = decoder.decode(payload);
    if (text.startsWith(PROBE)) done += pair(end, byFd(parseInt(text.slice(PROBE.length))));
  };
  const opened = paired ? () => done : () => ends.clients.filter((end) => end.open).length;
  for (const [n, head] of heads.entries()) {
    ends.until(() => n - opened() < CONCURRENCY, `handshake ${n - CONCURRENCY}`);
    ends.connect(port, head);
  }
  ends.until(() => opened() === heads.length, "the last handshakes");
}

function pair(client: End, upstream: End): number {
  client.peer = upstream;
  upstream.peer = client;
  return 1;
}
