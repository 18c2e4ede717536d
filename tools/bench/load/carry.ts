import type { End, Ends } from "./ends.ts";
import { answer } from "./viewers.ts";
import { quantile } from "../statistics.ts";
import { BINARY, frame, type Kind, message, TEXT } from "./frames.ts";

export interface CarryOptions {
  kind: Kind;
  /** Of the payload, in bytes; 100 at the least. */
  size: number;
  /** Of all sockets together. */
  messages: number;
}

const opcode = (kind: Kind) => kind === "text" ? TEXT : BINARY;

/** From upstream to the clients, one message a socket under way at a time. */
export function carry(ends: Ends, options: CarryOptions): void {
  const data = frame(opcode(options.kind), message(options.kind, options.size));
  let left = options.messages;
  let underway = 0;
  const next = (client: End) => {
    if (left === 0) return;
    left--;
    underway++;
    client.peer!.send(data);
  };
  ends.onFrame = (end, code, data) => {
    if (end.side === "upstream" && code === TEXT) return answer(end, data); // A heartbeat.
    if (end.side !== "client" || code !== opcode(options.kind)) return;
    const { length } = data;
    if (length !== options.size) throw new Error(`got ${length} bytes of ${options.size}`);
    underway--;
    next(end);
  };
  ends.clients.forEach(next);
  ends.until(() => underway === 0, "messages to the clients");
}

/** A broadcast of each client, which upstream returns; and how long that took, in ms. */
export function echo(ends: Ends, { size, messages }: CarryOptions): { p50: number; p99: number } {
  const data = message("text", size);
  const [ask, reply] = [frame(TEXT, data, true), frame(TEXT, data)];
  const sent = new Map<End, number>();
  const times: number[] = [];
  let left = messages;
  const next = (client: End) => {
    if (left === 0) return;
    left--;
    sent.set(client, performance.now());
    client.send(ask);
  };
  ends.onFrame = (end, code, data) => {
    if (code !== TEXT) return;
    if (end.side === "upstream") {
      return data.length === size ? end.send(reply) : answer(end, data); // A heartbeat.
    }
    times.push(performance.now() - sent.get(end)!);
    sent.delete(end);
    next(end);
  };
  ends.clients.forEach(next);
  ends.until(() => sent.size === 0, "echoes");
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
}
