import type { Dialled } from "../realtime/dial.ts";
import { payloadOf, takeApart } from "../realtime/frame.ts";
import { encodeFrame } from "../realtime/phoenix.ts";
import type { Vsn } from "../realtime/upstream.ts";
import { type Message, OPEN } from "../runtime.ts";

/** Realtime waits 5 s before it refuses a join; clients give a join up after 10 s. */
const TIMEOUT_MS = 9_000;

/** The socket is closed when nothing was asked for so long: far below Realtime's 60 s of silence. */
const IDLE_MS = 20_000;

const VSN: Vsn = "2.0.0";

/** The payload of Realtime's reply; undefined where none came in time. */
type Reply = Record<string, unknown> | undefined;

/**
 * One socket to Realtime on which channels are joined only to be left as soon as that is answered.
 * It asks one question at a time: while Realtime delays a refusal, that socket hears nothing else.
 */
export class Asker {
  isBusy = false;
  #socket: Dialled | undefined;
  #refs = 0;
  #ref = "";
  #resolve: ((reply: Reply) => void) | undefined;
  #idle: ReturnType<typeof setTimeout> | undefined;

  /** `dial` opens a socket to Realtime; `onIdle` is told that this one is no longer needed. */
  constructor(readonly dial: (vsn: Vsn) => Promise<Dialled>, readonly onIdle: () => void) {}

  /** Joins the private channel, and leaves it. Rejects where Realtime cannot be reached. */
  async ask(topic: string, onSent: () => void): Promise<Reply> {
    this.isBusy = true;
    clearTimeout(this.#idle);
    try {
      this.#socket ??= await this.#opened();
      return await this.#join(topic, onSent);
    } finally {
      this.isBusy = false;
      this.#idle = setTimeout(() => this.#hangUp(), IDLE_MS);
    }
  }

  async #join(topic: string, onSent: () => void): Promise<Reply> {
    const { promise, resolve } = Promise.withResolvers<Reply>();
    const ref = this.#ref = String(++this.#refs);
    this.#resolve = resolve;
    const timer = setTimeout(() => resolve(undefined), TIMEOUT_MS);
    const join = { join_ref: ref, ref, topic, event: "phx_join" };
    this.#send({ ...join, payload: { config: { private: true } } });
    onSent();
    const reply = await promise;
    clearTimeout(timer);
    // By a socket on which none came in time perhaps none ever will: it may be half open.
    if (reply === undefined) this.#close();
    else this.#send({ ...join, ref: `${ref}-`, event: "phx_leave", payload: {} });
    return reply;
  }

  async #opened(): Promise<Dialled> {
    const socket = await this.dial(VSN);
    socket.listen({
      onMessage: (message) => this.#take(message),
      onClose: () => {
        // One that was given up may end when another asks.
        if (this.#socket !== socket) return;
        this.#socket = undefined;
        this.#resolve?.(undefined);
      },
    });
    return socket;
  }

  #take(message: Message): void {
    const parts = typeof message === "string" ? takeApart(VSN, message) : undefined;
    if (parts?.event !== "phx_reply" || parts.ref !== JSON.stringify(this.#ref)) return;
    this.#resolve?.(payloadOf(VSN, parts));
  }

  #send(frame: Parameters<typeof encodeFrame>[1]): void {
    if (this.#socket?.socket.readyState === OPEN) this.#socket.send(encodeFrame(VSN, frame));
  }

  #hangUp(): void {
    this.#close();
    this.onIdle();
  }

  #close(): void {
    const socket = this.#socket?.socket;
    this.#socket = undefined;
    if (socket?.readyState === OPEN) socket.close(1000);
  }
}
