import type { Identity } from "../door/identity.ts";
import { Deadline } from "./deadline.ts";
import { type Code, RelayError } from "../errors.ts";
import { Gate, type GateKeeper, type GateOptions } from "./gate.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { Count } from "./lane.ts";
import { encodeServerFrame, type Frame, type Ref } from "../realtime/phoenix.ts";
import { CONNECTING, type Message, type Runtime } from "../runtime.ts";
import { type Summary, Tunnel, type TunnelOptions } from "./tunnel.ts";

export interface SessionOptions extends GateOptions, TunnelOptions {
  /** True for a client that understands the relay's notices. */
  negotiated: boolean;
  /** What the client has sent already, in order. */
  early?: readonly Message[];
  runtime: Runtime;
}

/** One socket's life. */
export interface Session {
  readonly negotiated: boolean;
  /** Whom it serves now. */
  readonly identity: Identity;
  readonly counts: { fromClient: Count; fromUpstream: Count };
  /** Settles when both sockets are closed; never rejects. */
  readonly closed: Promise<Summary>;
  end(error: RelayError): void;
  /** To be called when it is closed: no timer is left. */
  stop(): void;
  /** Tells the client what will happen to its socket, and in how many milliseconds. */
  notify(status: "drain" | "token_expiring", deadlineMs: number): void;
  /** Looks after heartbeats; to be called every few seconds. */
  tick(): void;
}

/** How long before its token expires a client is told: behind half of the token's life at the soonest. */
const EXPIRY_NOTICE_MS = 60_000;

const ENDINGS: Record<string, [Code, string]> = {
  silent: ["silent", "The client has said nothing for too long."],
  stalled: ["upstream_timeout", "Realtime has answered no heartbeat."],
};

/** Joins the two sockets, judges what the client sends, and keeps the deadlines. */
export function openSession(options: SessionOptions): Session {
  return new Joined(options);
}

/** A worker holds thousands: methods, since a closure is kept for each of them. */
class Joined implements Session, GateKeeper {
  readonly #heartbeat: Heartbeat;
  readonly #gate: Gate;
  readonly #tunnel: Tunnel;
  #expiresAt = Infinity;
  #noticeAt = Infinity;
  /** One timer for the notice and the end of a user's token. */
  #expiry: Deadline | undefined;
  #isStopped = false;
  #stopUnjoined: (() => void) | undefined;

  constructor(readonly options: SessionOptions) {
    const { identity, vsn, config, awake } = options;
    const speak = (frame: Frame) => this.#tunnel.speak(frame);
    this.#heartbeat = new Heartbeat(vsn, config.maxSilenceMs, () => awake.look(), speak);
    this.#gate = new Gate(options, this);
    this.#tunnel = new Tunnel(options, this.#gate, this.#heartbeat);
    this.#stopUnjoined = awake.after(config.joinTimeoutMs, () => {
      this.#fail("join_timeout", "The socket has joined no channel.");
    });
    this.onIdentity(identity);
    options.early?.forEach((message) => this.#tunnel.fromClient(message));
  }

  get negotiated(): boolean {
    return this.options.negotiated;
  }

  get identity(): Identity {
    return this.#gate.holder.identity;
  }

  get counts(): Session["counts"] {
    return this.#tunnel.counts;
  }

  get closed(): Promise<Summary> {
    return this.#tunnel.closed;
  }

  end(error: RelayError): void {
    this.#tunnel.close(error);
  }

  stop(): void {
    this.#isStopped = true;
    this.#expiry?.clear();
    this.#clearUnjoined();
  }

  /** On topic `phoenix`, which realtime-js passes over: only those who know it see it. */
  notify(status: string, deadlineMs: number): void {
    const payload = { extension: "relay", status, deadline_ms: Math.round(deadlineMs) };
    const frame = { topic: "phoenix", event: "system", payload };
    this.answer(encodeServerFrame(this.options.vsn, frame));
  }

  tick(): void {
    this.#expiry?.look();
    try {
      const pulse = this.#heartbeat.tick();
      if (pulse !== "alive") this.#fail(...ENDINGS[pulse]);
    } catch (error) {
      this.#tunnel.end(error);
    }
  }

  /** What the relay itself says to a client that does not read is bounded like the rest. */
  answer(text: string): void {
    this.#tunnel.answer(text);
  }

  leave(topic: string, joinRef: Ref): void {
    this.#tunnel.leave(topic, joinRef);
  }

  onJoin(join: Frame): void {
    this.#clearUnjoined();
    this.#tunnel.joins(join);
  }

  onIdentity(next: Identity): void {
    // A token may be verified when its socket is over.
    if (next.kind !== "user" || this.#isStopped) return;
    const { negotiated, runtime } = this.options;
    const { expiresAt, issuedAt = 0 } = next;
    this.#expiresAt = expiresAt * 1000;
    this.#noticeAt = Math.max(this.#expiresAt - EXPIRY_NOTICE_MS, (issuedAt + expiresAt) * 500);
    this.#expiry ??= new Deadline(runtime.now, () => this.#expire());
    this.#expiry.set(negotiated ? this.#noticeAt : this.#expiresAt);
  }

  #clearUnjoined(): void {
    this.#stopUnjoined?.();
    this.#stopUnjoined = undefined;
  }

  #expire(): void {
    if (this.options.runtime.now() >= this.#expiresAt) {
      return this.#fail("token_expired", "The token has expired.");
    }
    this.#tellExpiry();
    this.#expiry!.set(this.#expiresAt);
  }

  /** Where its time has come at the handshake, it waits for `open`. */
  #tellExpiry(): void {
    const { client, runtime } = this.options;
    if (client.readyState === CONNECTING) {
      client.addEventListener("open", () => this.#tellExpiry(), { once: true });
    } else if (runtime.now() >= this.#noticeAt) {
      this.notify("token_expiring", Math.max(0, this.#expiresAt - runtime.now()));
    }
  }

  #fail(code: Code, message: string): void {
    this.end(new RelayError(code, message));
  }
}
