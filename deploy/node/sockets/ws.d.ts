/** What the relay uses of the package `ws`. (`@types/ws` would bring the types of another Node along.) */
import type { Buffer } from "node:buffer";
import type { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

export interface Options {
  perMessageDeflate: boolean;
  /** Bytes of a message; who sends more is closed with 1009. */
  maxPayload: number;
  /** Milliseconds for which the answer to a close is waited for. */
  closeTimeout: number;
}

export interface ServerOptions extends Options {
  /** Of a message; who sends more is closed with 1008. */
  maxFragments: number;
  /** Reads that wait until what they are of is whole; the same. */
  maxBufferedChunks: number;
  noServer: boolean;
  /** Whether the server itself keeps its sockets. */
  clientTracking: boolean;
  WebSocket: typeof WebSocket;
}

/** Its events: `open`; `message`, with the data and whether it is binary; `close`; `error`; `pong`. */
export class WebSocket extends EventEmitter {
  constructor(url: URL, options: Options);
  readonly readyState: number;
  readonly bufferedAmount: number;
  binaryType: string;
  send(data: string | ArrayBuffer): void;
  ping(): void;
  close(code?: number, reason?: string): void;
  /** Destroys the connection. */
  terminate(): void;
  /** Reads nothing until resume(). */
  pause(): void;
  resume(): void;
}

export class WebSocketServer extends EventEmitter {
  constructor(options: ServerOptions);
  /** Calls `accepted` before it returns, or emits `wsClientError`; neither where the client has left. */
  handleUpgrade(
    message: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    accepted: (socket: WebSocket) => void,
  ): void;
}
