import type { Awake } from "../peer/awake.ts";
import type { Measures } from "../measure/measures.ts";
import { closeForClient, closeForUpstream, closeOf, closeWhenQuiet } from "../peer/close.ts";
import type { Listener, Reader, Upstream } from "../realtime/dial.ts";
import { RelayError, toRelayError } from "../errors.ts";
import type { Turn } from "../peer/turn.ts";
import type { Batch } from "../peer/batch.ts";
import type { Gate } from "./gate.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { Joining } from "../measure/joining.ts";
import { type Count, Lane, unread } from "./lane.ts";
import { Mute } from "./mute.ts";
import { Outbox } from "../peer/outbox.ts";
import { encodeFrame, type Frame, type Ref } from "../realtime/phoenix.ts";
import type { Vsn } from "../realtime/upstream.ts";
import {
  type Close,
  CLOSED,
  CONNECTING,
  type Message,
  OPEN,
  type Runtime,
  type Socket,
} from "../runtime.ts";
import type { Place } from "../peer/places.ts";
import { Backlog, type Unsent } from "../peer/unsent.ts";

/** How a tunnel ended. */
export interface Summary {
  by: "client" | "upstream" | "relay";
  /** What the client said, or was told. */
  code: number;
  /** Why the relay ended it, where it did. */
  error?: RelayError;
}

export interface TunnelOptions {
  /** Open, or about to be: a close before `open` would hang it. */
  client: Socket;
  /** Takes a client over that is to be told why, and to wait for its close; false where it cannot. */
  refuse?(client: Socket, error: RelayError, vsn: Vsn): boolean;
  upstream: Upstream;
  unsent: Unsent;
  /** The client's: given back when its socket is gone and holds no memory. */
  place: Place;
  vsn: Vsn;
  /** For a client that takes several frames in a message: when it is sent them. */
  turn?: Turn;
  measures: Pick<Measures, "join">;
  runtime: Pick<Runtime, "now">;
  awake: Awake;
}

/** A peer that was told to close and does not answer is cut after this, where the host can do that. */
const CLOSE_GRACE_MS = 5_000;

/** A client that left while upstream was dialled never opens. */
const OPEN_TIMEOUT_MS = 10_000;

const NEVER_OPENED: Close = { code: 1006, reason: "" };

/**
 * Joins two sockets: what upstream sends reaches the client unparsed, what the client sends is
 * judged first; text stays text, binary stays binary, the order is kept and nothing is dropped. The
 * first end wins: the other side is closed with a code that it may be sent. A peer that does not
 * read is cut off with 4413 before its unsent messages pass what `unsent` allows. An error in a handler
 * ends its own tunnel and nothing else.
 */
export class Tunnel implements Listener {
  /** Settles when both sockets are closed, or were given up; never rejects. */
  readonly closed: Promise<Summary>;
  /** For a client that takes batches. */
  readonly onBatch: Listener["onBatch"];
  readonly #up: Lane;
  readonly #down: Lane;
  /** Of the channels that the relay left; most sockets never have it. */
  #mute: Mute | undefined;
  /** Of joins that are not answered yet the latest one. */
  #joining: Joining | undefined;
  #settle!: (summary: Summary) => void;
  #summary: Summary | undefined;
  #unclosed = 2;
  #isGoneOver = false;
  /** Ends the wait for `open`, and later the one for the closes. */
  #stopTimer: (() => void) | undefined;

  constructor(
    readonly options: TunnelOptions,
    readonly gate: Gate,
    readonly heartbeat: Pick<Heartbeat, "heard" | "awaiting" | "takes">,
  ) {
    const { client, upstream, unsent, turn } = options;
    this.closed = new Promise((resolve) => this.#settle = resolve);
    const receiver = turn ? this.#outbox(turn) : client;
    if (turn) this.onBatch = (batch) => this.#takeBatch(batch);
    this.#down = new Lane(receiver, new Backlog(unsent, receiver), this, undefined);
    this.#up = new Lane(upstream, new Backlog(unsent, upstream.socket), this, gate);
    unsent.watch(this.#up.backlog);
    client.binaryType = "arraybuffer";
    client.addEventListener("message", ({ data }) => this.fromClient(data));
    // Once: Deno reports an idle socket's end twice.
    client.addEventListener("close", (close) => this.#guard(() => this.#clientClosed(close)), {
      once: true,
    });
    // One that is gone already tells no end: nobody waits for that as long as for an open one.
    if (client.readyState === OPEN) this.#opened();
    else this.#awaitOpen(client);
    upstream.listen(this);
    upstream.socket.paceBy?.(client, this);
  }

  #awaitOpen(client: Socket): void {
    const { awake } = this.options;
    this.#stopTimer = awake.after(OPEN_TIMEOUT_MS, () => this.#finish("client", NEVER_OPENED));
    client.addEventListener("open", () => this.#guard(() => this.#opened()), { once: true });
  }

  /** What was carried so far. */
  get counts(): { fromClient: Count; fromUpstream: Count } {
    return { fromClient: this.#up, fromUpstream: this.#down };
  }

  /** Sends the client a message of the relay's own. */
  answer(text: string): void {
    this.#down.say(text);
  }

  /** Sends Realtime one. */
  speak(frame: Frame): void {
    this.#up.say(encodeFrame(this.options.vsn, frame), frame);
  }

  /** Leaves a channel; what Realtime still sends of it is not for the client. */
  leave(topic: string, joinRef: Ref): void {
    const { vsn, runtime } = this.options;
    this.#mute ??= new Mute(vsn, runtime.now);
    this.speak(this.#mute.leave(topic, joinRef));
  }

  /** A client's join goes upstream, maybe of a channel that it lost before: times it. */
  joins(join: Frame): void {
    const { vsn, measures, runtime } = this.options;
    this.#mute?.joins(join);
    this.#joining = new Joining(vsn, join, runtime.now(), measures.join);
  }

  /** Ends the tunnel with the close code of what was thrown. Who has signed out waits for its close. */
  end(thrown: unknown): void {
    const error = toRelayError(thrown);
    const { client, refuse, vsn } = this.options;
    const isOver = this.#summary !== undefined;
    this.options.turn?.end();
    if (!isOver && error.code === "signed_out" && refuse?.(client, error, vsn)) {
      this.#goneOver(error);
    } else this.close(error);
  }

  /** Ends it at once. */
  close(error: RelayError): void {
    this.#finish("relay", closeOf(error), error);
  }

  get reader(): Reader {
    return this.#down.backlog;
  }

  onUnread(): void {
    this.end(unread());
  }

  onMessage(message: Message): void {
    const { heartbeat } = this;
    if (this.#summary || (heartbeat.awaiting && heartbeat.takes(message))) return;
    if (this.#joining?.isOver(message, this.options.runtime.now)) this.#joining = undefined;
    try {
      if (!this.#mute?.takes(message) && !this.#isReplaced(message)) this.#down.push(message);
    } catch (error) {
      this.end(error);
    }
  }

  #takeBatch(batch: Batch): void {
    if (this.#mute || this.gate.channels.awaits) {
      return batch.lines.forEach((line) => this.onMessage(line));
    }
    try {
      if (!this.#summary) this.#down.push(batch);
    } catch (error) {
      this.end(error);
    }
  }

  onClose(close: Close): void {
    if (!this.#summary) {
      this.#finish("upstream", closeForClient(close, lost()));
    }
    this.#gone(this.#up);
  }

  #outbox(turn: Turn): Outbox {
    const { client } = this.options;
    return new Outbox({ client, turn, onFail: (error) => this.end(error) });
  }

  #isReplaced(message: Message): boolean {
    const { channels } = this.gate;
    return channels.watches && channels.takes(message);
  }

  #opened(): void {
    if (!this.#summary) {
      this.#stopTimer?.();
      this.#stopTimer = undefined; // It would be kept for each socket.
    }
    this.options.unsent.watch(this.#down.backlog);
    this.#down.open();
  }

  /** Judges what a client has sent. */
  fromClient(message: Message): void {
    this.heartbeat.heard = true;
    // What has come for the client comes before what follows from its own frame.
    this.options.turn?.end();
    if (!this.#summary) this.#guard(() => this.#up.push(message));
  }

  #clientClosed({ code, reason }: Close): void {
    this.options.place.leave();
    this.#finish("client", { code, reason });
    if (!this.#isGoneOver) this.#gone(this.#down);
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.end(error);
    }
  }

  #finish(by: Summary["by"], end: Close, error?: RelayError): void {
    if (this.#summary) return;
    this.options.turn?.end();
    this.#summary = { by, code: end.code, error };
    this.#stopTimer?.();
    const { client, place, awake, upstream: { socket } } = this.options;
    const { code, reason } = closeForUpstream(end);
    if (!this.#isGoneOver) {
      place.become("closing");
      // One that was given up may open yet.
      if (client.readyState <= OPEN) closeWhenQuiet(client, closeForClient(end, lost()));
    }
    // In the next turn: what Realtime has sent already would otherwise reset the connection.
    setTimeout(() => socket.readyState === OPEN && socket.close(code, reason), 0);
    this.#stopTimer = awake.after(CLOSE_GRACE_MS, () => this.#givenUp());
  }

  /** The client's socket is somebody else's now. */
  #goneOver(error: RelayError): void {
    this.options.place.leave();
    this.#isGoneOver = true;
    this.close(error);
    this.#gone(this.#down);
  }

  #gone(lane: Lane): void {
    this.options.unsent.forget(lane.backlog);
    if (--this.#unclosed > 0) return;
    this.#stopTimer?.();
    this.#settle(this.#summary!);
  }

  /** What settles is that nobody waits any longer: a socket that opened has its place until it ends. */
  #givenUp(): void {
    const { client, place } = this.options;
    // One that never opened, or was gone before anybody listened, tells no end.
    if (client.readyState === CONNECTING || client.readyState === CLOSED) place.leave();
    else if (!this.#isGoneOver) client.terminate?.();
    this.#settle(this.#summary!);
  }
}

function lost(): RelayError {
  return new RelayError("upstream_lost", "Realtime ended the connection.");
}
