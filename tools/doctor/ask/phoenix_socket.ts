// @ts-types="./ws.d.ts"
import { WebSocket } from "ws";
import { AGENT } from "./headers.ts";
import { lookup } from "./home.ts";
import { afterTime, within } from "./within.ts";

/** A frame of vsn 1.0.0. */
export interface Frame {
  topic: string;
  event: string;
  ref?: string | null;
  payload: Record<string, unknown>;
}

export interface Closed {
  code: number;
  reason: string;
}

/** Errors that are of the connection, or of a message's length: not of what stands in a frame. */
const NO_FRAMES = /^E[A-Z]+$|^WS_ERR_UNSUPPORTED_MESSAGE_LENGTH$/;
/** In bytes, of one message and of all: far more than the doctor asks for. */
const MAX_HELD = 8 << 20;
/** Who does not answer a close by then is left. */
const CLOSE_MS = 500;

/** A Phoenix socket that remembers all it got, so that a question may be asked before or after. */
export class PhoenixSocket {
  readonly #frames: Frame[] = [];
  readonly #waiting = new Set<() => void>();
  #ref = 0;
  #room = MAX_HELD;
  closed: Closed | undefined;
  /** Whether what came was no frame, or could not be inflated: the socket is closed for that. */
  broken = false;
  /** Resolves when the socket is closed, by whomever. */
  readonly ended: Promise<void>;

  private constructor(readonly socket: WebSocket, readonly waitMs: number) {
    socket.on("message", (data: Uint8Array, isBinary: boolean) => {
      const frame = isBinary ? undefined : parse(String(data));
      if (frame) this.#frames.push(frame);
      this.#room -= data.byteLength;
      // Who sends without end is not listened to.
      if (this.#room < 0) socket.terminate();
      this.#wake();
    });
    socket.on("error", ({ code = "" }: { code?: string }) => {
      this.broken ||= !NO_FRAMES.test(code);
    });
    this.ended = new Promise((resolve) => {
      socket.on("close", (code: number, reason: Uint8Array) => {
        this.closed = { code, reason: String(reason) };
        resolve();
        this.#wake();
      });
    });
  }

  /** Resolves when the socket is open; undefined where it does not open in time. */
  static async open(
    url: URL,
    protocols: string[],
    waitMs: number,
    origin?: string,
  ): Promise<PhoenixSocket | undefined> {
    const socket = new WebSocket(url, protocols, {
      // Compression is offered as browsers do, who meet what it comes to.
      ...{ lookup, headers: AGENT, perMessageDeflate: true },
      ...{ maxPayload: MAX_HELD, closeTimeout: CLOSE_MS, ALPNProtocols: ["http/1.1"] },
      ...(origin ? { origin } : {}),
      finishRequest(request) {
        // As browsers write a list: some servers find no name in one without the space.
        const offered = protocols.join(", ");
        if (offered) request.setHeader("Sec-WebSocket-Protocol", offered);
        request.end();
      },
    });
    const result = new PhoenixSocket(socket, waitMs);
    const opened = new Promise<boolean>((resolve) => {
      socket.on("open", () => resolve(true)).on("error", () => resolve(false));
    });
    if (await within(opened, waitMs)) return result;
    result.close();
  }

  /** Sends a frame and gives its ref. */
  push(topic: string, event: string, payload: object, join = false): string {
    const ref = String(++this.#ref);
    if (this.socket.readyState !== WebSocket.OPEN) return ref;
    const more = join ? { join_ref: ref } : {};
    this.socket.send(JSON.stringify({ topic, event, payload, ref, ...more }));
    return ref;
  }

  /** The first frame, old or new, that fits; undefined if none came in time or the socket closed. */
  async frame(fits: (frame: Frame) => boolean, waitMs = this.waitMs): Promise<Frame | undefined> {
    let over = false;
    const cancel = afterTime(waitMs, () => {
      over = true;
      this.#wake();
    });
    try {
      while (true) {
        const frame = this.#frames.find(fits);
        if (frame || this.closed || over) return frame;
        await new Promise<void>((wake) => this.#waiting.add(wake));
      }
    } finally {
      cancel();
    }
  }

  reply(ref: string): Promise<Frame | undefined> {
    return this.frame((frame) => frame.event === "phx_reply" && frame.ref === ref);
  }

  close(): void {
    this.socket.close();
  }

  #wake() {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** Frames in bytes, and what is no frame at all, answer nothing that was asked. */
function parse(text: string): Frame | undefined {
  try {
    const frame = JSON.parse(text);
    return typeof frame?.event === "string" && frame.payload ? frame : undefined;
  } catch {
    return undefined;
  }
}
