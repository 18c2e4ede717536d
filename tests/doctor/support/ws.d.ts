/** What a Realtime that compresses uses of the package `ws`. */
import type { EventEmitter } from "node:events";
import type { AddressInfo } from "node:net";

export interface Options {
  host: string;
  port: number;
  perMessageDeflate: { threshold: number };
}

/** Its events: `listening`; `connection`, with the socket and its request. */
export class WebSocketServer extends EventEmitter {
  constructor(options: Options);
  readonly clients: Set<WebSocket & { terminate(): void }>;
  address(): AddressInfo;
  close(): void;
}
