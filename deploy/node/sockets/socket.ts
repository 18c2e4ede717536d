import type { Buffer } from "node:buffer";
// @ts-types="./ws.d.ts"
import { WebSocket } from "ws";

/**
 * A WebSocket of the package `ws` that tells the relay of messages and of its end as the standard does.
 * The listeners of `ws` itself keep 0.4 kB each, and make an object of a class for each message.
 */
export class LeanSocket extends WebSocket {
  /** Without the options of the standard: a socket opens and closes once. */
  addEventListener(type: string, tell: (event: unknown) => void): void {
    if (type === "message") {
      this.on(type, (data: Buffer | ArrayBuffer, isBinary: boolean) => {
        tell({ data: isBinary ? data : data.toString() });
      });
    } else if (type === "close") {
      this.on(type, (code: number, reason: Buffer) => tell({ code, reason: reason.toString() }));
    } else if (type === "open") this.once(type, tell); // What it holds is let go.
    else this.on(type, tell);
  }
}
