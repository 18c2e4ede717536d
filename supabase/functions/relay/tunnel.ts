import { type Close, closeForClient, closeForUpstream, closeOf, closeWhenQuiet } from "./close.ts";
import type { Listener, Upstream } from "./dial.ts";
import { RelayError, toRelayError } from "./errors.ts";
import type { Gate } from "./gate.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { type Count, Lane, unread } from "./lane.ts";
import { CONNECTING, type Message, OPEN, type Socket } from "./runtime.ts";
import { Backlog, type Unsent } from "./unsent.ts";

/** How a tunnel ended. */
export interface Summary {
  by: "client" | "upstream" | "relay";
  /** What the client said, or was told. */
  code: number;
  /** Why the relay ended it, where it did. */
  error?: RelayError;
}

export interface TunnelOptions {
  /** Not open yet: a close before `open` would hang it. */
  client: Socket;
  upstream: Upstream;
  unsent: Unsent;
  /** Called, at least once, when the client's socket is gone and holds no memory. */
  leave(): void;
}

/** A peer that was told to close and does not answer is given up after this. */
const CLOSE_GRACE_MS = 5_000;

/** A client that left while upstream was dialled never opens. */
const OPEN_TIMEOUT_MS = 10_000;

const NEVER_OPENED: Close = { code: 1006, reason: "" };

/**
 * Joins two sockets: what upstream sends reaches the client unparsed, what the client sends is
 * judged first; text stays text, binary stays binary, the order is kept and nothing is dropped. The
 * first end wins: the other side is closed with a code that it may be sent. A peer that does not
 * read is cut off with 4413 before its unsent messages pass what `unsent` allows.
 */
export class Tunnel implements Listener {
  /** Settles when both sockets are closed; never rejects. */
  readonly closed: Promise<Summary>;
  readonly #up: Lane;
  readonly #down: Lane;
  #settle!: (summary: Summary) => void;
  #summary: Summary | undefined;
  #unclosed = 2;
  /** Ends the wait for `open`, and later the one for the closes. */
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly options: TunnelOptions,
    gate: Gate,
    readonly heartbeat: Pick<Heartbeat, "heard" | "awaiting" | "takes">,
  ) {
    const { client, upstream, unsent } = options;
    this.closed = new Promise((resolve) => this.#settle = resolve);
    this.#down = new Lane(new Backlog(unsent, client), this, undefined);
    this.#up = new Lane(new Backlog(unsent, upstream.socket), this, gate);
    unsent.watch(this.#up.backlog);
    client.binaryType = "arraybuffer";
    this.#timer = setTimeout(() => this.#finish("client", NEVER_OPENED), OPEN_TIMEOUT_MS);
    client.addEventListener("open", () => this.#opened(), { once: true });
    client.addEventListener("message", ({ data }) => this.#fromClient(data));
    // Once: Deno reports an idle socket's end twice.
    client.addEventListener("close", (close) => this.#clientClosed(close), { once: true });
    upstream.listen(this);
  }

  /** What was carried so far. */
  get counts(): { fromClient: Count; fromUpstream: Count } {
    return { fromClient: this.#up, fromUpstream: this.#down };
  }

  /** Sends the client a message of the relay's own, bounded and not counted. */
  answer(text: string): void {
    const { client } = this.options;
    if (client.readyState !== OPEN) return;
    if (this.#down.backlog.hasRoom(text.length)) client.send(text);
    else this.end(unread());
  }

  /** Ends the tunnel with the close code of what was thrown. */
  end(thrown: unknown): void {
    const error = toRelayError(thrown);
    this.#finish("relay", closeOf(error), error);
  }

  onMessage(message: Message): void {
    const { heartbeat } = this;
    if (this.#summary || (heartbeat.awaiting && heartbeat.takes(message))) return;
    this.#down.push(message);
  }

  onClose(close: Close): void {
    if (!this.#summary) {
      const lost = new RelayError("upstream_lost", "Realtime ended the connection.");
      this.#finish("upstream", closeForClient(close, lost));
    }
    this.#gone(this.#up);
  }

  #opened(): void {
    if (!this.#summary) {
      clearTimeout(this.#timer);
      this.#timer = undefined; // It would be kept for each socket.
    }
    this.options.unsent.watch(this.#down.backlog);
    this.#down.open();
  }

  #fromClient(message: Message): void {
    this.heartbeat.heard = true;
    if (!this.#summary) this.#up.push(message);
  }

  #clientClosed({ code, reason }: Close): void {
    this.#finish("client", { code, reason });
    this.options.leave();
    this.#gone(this.#down);
  }

  #finish(by: Summary["by"], end: Close, error?: RelayError): void {
    if (this.#summary) return;
    this.#summary = { by, code: end.code, error };
    clearTimeout(this.#timer);
    const { client, upstream: { socket } } = this.options;
    const { code, reason } = closeForUpstream(end);
    closeWhenQuiet(client, end);
    // In the next turn: what Realtime has sent already would otherwise reset the connection.
    setTimeout(() => socket.readyState === OPEN && socket.close(code, reason), 0);
    this.#timer = setTimeout(() => this.#givenUp(), CLOSE_GRACE_MS);
  }

  #gone(lane: Lane): void {
    this.options.unsent.forget(lane.backlog);
    if (--this.#unclosed > 0) return;
    clearTimeout(this.#timer);
    this.#settle(this.#summary!);
  }

  #givenUp(): void {
    const { client, leave } = this.options;
    if (client.readyState === CONNECTING) leave();
    this.#settle(this.#summary!);
  }
}
