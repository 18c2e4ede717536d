import type { Identity } from "./authenticate.ts";
import { Deadline } from "./deadline.ts";
import { type Code, RelayError } from "./errors.ts";
import { Gate, type GateKeeper, type GateOptions } from "./gate.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { Count } from "./lane.ts";
import { encodeServerFrame } from "./phoenix.ts";
import { CONNECTING, OPEN, type Runtime, type Socket } from "./runtime.ts";
import { type Summary, Tunnel, type TunnelOptions } from "./tunnel.ts";

export interface SessionOptions extends GateOptions, TunnelOptions {
  /** True for a client that understands the relay's notices. */
  negotiated: boolean;
  runtime: Runtime;
}

/** One socket's life. */
export interface Session {
  readonly negotiated: boolean;
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

/** How long before its token expires a client is told. */
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
  readonly #tunnel: Tunnel;
  #expiresAt = Infinity;
  /** One timer for the notice and the end of a user's token. */
  #expiry: Deadline | undefined;
  #unjoined: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly options: SessionOptions) {
    const { upstream: { socket }, identity, vsn, config, runtime } = options;
    const speak = (text: string) => send(socket, text);
    this.#heartbeat = new Heartbeat(vsn, config.maxSilenceMs, runtime.now, speak);
    this.#tunnel = new Tunnel(options, new Gate(options, this), this.#heartbeat);
    this.#unjoined = setTimeout(() => {
      this.#fail("join_timeout", "The socket has joined no channel.");
    }, config.joinTimeoutMs);
    this.onIdentity(identity);
  }

  get negotiated(): boolean {
    return this.options.negotiated;
  }

  get counts(): Session["counts"] {
    return this.#tunnel.counts;
  }

  get closed(): Promise<Summary> {
    return this.#tunnel.closed;
  }

  end(error: RelayError): void {
    this.#tunnel.end(error);
  }

  stop(): void {
    this.#expiry?.clear();
    this.onJoin();
  }

  /** On topic `phoenix`, which realtime-js passes over: only those who know it see it. */
  notify(status: string, deadlineMs: number): void {
    const { client, vsn } = this.options;
    const payload = { extension: "relay", status, deadline_ms: Math.round(deadlineMs) };
    send(client, encodeServerFrame(vsn, { topic: "phoenix", event: "system", payload }));
  }

  tick(): void {
    const pulse = this.#heartbeat.tick();
    if (pulse !== "alive") this.#fail(...ENDINGS[pulse]);
  }

  /** What the relay itself says to a client that does not read is bounded like the rest. */
  answer(text: string): void {
    this.#tunnel.answer(text);
  }

  onJoin(): void {
    clearTimeout(this.#unjoined);
    this.#unjoined = undefined;
  }

  onIdentity(next: Identity): void {
    if (next.kind !== "user") return;
    const { negotiated, runtime } = this.options;
    this.#expiresAt = next.expiresAt * 1000;
    this.#expiry ??= new Deadline(runtime.now, () => this.#expire());
    this.#expiry.set(negotiated ? this.#expiresAt - EXPIRY_NOTICE_MS : this.#expiresAt);
  }

  #expire(): void {
    if (this.options.runtime.now() >= this.#expiresAt) {
      return this.#fail("token_expired", "The token has expired.");
    }
    this.#tellExpiry();
    this.#expiry!.set(this.#expiresAt);
  }

  /** Where less than the notice's time is left at the handshake, it waits for `open`. */
  #tellExpiry(): void {
    const { client, runtime } = this.options;
    const left = this.#expiresAt - runtime.now();
    if (client.readyState === CONNECTING) {
      client.addEventListener("open", () => this.#tellExpiry(), { once: true });
    } else if (left <= EXPIRY_NOTICE_MS) this.notify("token_expiring", Math.max(0, left));
  }

  #fail(code: Code, message: string): void {
    this.end(new RelayError(code, message));
  }
}

function send(socket: Socket, text: string): void {
  if (socket.readyState === OPEN) socket.send(text);
}
