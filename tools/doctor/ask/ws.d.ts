/** What the doctor uses of the package `ws`, on Deno as on Node, whose own WebSocket sends no Origin. */
import type { EventEmitter } from "node:events";
import type { ClientRequest } from "node:http";
import type { LookupFunction } from "node:net";

export interface Options {
  headers: Record<string, string>;
  origin?: string;
  lookup: LookupFunction;
  perMessageDeflate: boolean;
  /** Bytes of a message; who sends more is closed with 1009. */
  maxPayload: number;
  /** Milliseconds for which the answer to a close is waited for. */
  closeTimeout: number;
  ALPNProtocols: string[];
  /** Gets the request before it is sent, and ends it. */
  finishRequest(request: ClientRequest): void;
}

/** Its events: `open`; `message`, with the bytes and whether it is binary; `close`; `error`. */
export class WebSocket extends EventEmitter {
  constructor(url: URL, protocols: string[], options: Options);
  static readonly OPEN: number;
  readonly readyState: number;
  send(data: string): void;
  close(): void;
  /** Destroys the connection. */
  terminate(): void;
}
