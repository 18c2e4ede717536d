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

/** A Phoenix socket that remembers all it got, so that a question may be asked before or after. */
export class PhoenixSocket {
  readonly #frames: Frame[] = [];
  readonly #waiting = new Set<() => void>();
  #ref = 0;
  readonly #ended = Promise.withResolvers<void>();
  closed: Closed | undefined;
  /** Resolves when the socket is closed, by whomever. */
  readonly ended = this.#ended.promise;

  private constructor(readonly socket: WebSocket, readonly waitMs: number) {
    socket.onmessage = ({ data }) => {
      const frame = parse(data);
      if (frame) this.#frames.push(frame);
      this.#wake();
    };
    socket.onclose = ({ code, reason }) => {
      this.closed = { code, reason };
      this.#ended.resolve();
      this.#wake();
    };
  }

  /** Resolves when the socket is open; undefined where it does not open in time. */
  static async open(
    url: URL,
    protocols: string[],
    waitMs: number,
    origin?: string,
  ): Promise<PhoenixSocket | undefined> {
    const headers = origin ? { origin } : undefined;
    // The third form is Deno's own; a page's origin is what it could not send otherwise.
    const socket = new WebSocket(url, { protocols, headers } as unknown as string[]);
    const result = new PhoenixSocket(socket, waitMs);
    const opened = new Promise<boolean>((resolve) => {
      socket.onopen = () => resolve(true);
      socket.onerror = () => resolve(false);
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
function parse(data: unknown): Frame | undefined {
  try {
    const frame = JSON.parse(String(data));
    return typeof frame?.event === "string" && frame.payload ? frame : undefined;
  } catch {
    return undefined;
  }
}
