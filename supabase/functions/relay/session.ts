import type { Authenticator, Identity } from "./authenticate.ts";
import type { Config } from "./config.ts";
import { createDeadline } from "./deadline.ts";
import type { Upstream } from "./dial.ts";
import { type Code, RelayError } from "./errors.ts";
import { createGate } from "./gate.ts";
import { Heartbeat } from "./heartbeat.ts";
import { encodeServerFrame } from "./phoenix.ts";
import { CONNECTING, OPEN, type Runtime, type Socket } from "./runtime.ts";
import { type Count, type Summary, tunnel } from "./tunnel.ts";
import type { Unsent } from "./unsent.ts";
import type { Vsn } from "./upstream.ts";

export interface SessionOptions {
  client: Socket;
  upstream: Upstream;
  identity: Identity;
  vsn: Vsn;
  /** True for a client that understands the relay's notices. */
  negotiated: boolean;
  config: Config;
  unsent: Unsent;
  authenticator: Authenticator;
  runtime: Runtime;
}

/** One socket's life. */
export interface Session {
  readonly negotiated: boolean;
  readonly counts: { fromClient: Count; fromUpstream: Count };
  /** Settles when both sockets are closed; never rejects. */
  readonly closed: Promise<Summary>;
  end(error: RelayError): void;
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
  const { client, upstream, identity, vsn, negotiated, config, unsent, authenticator, runtime } =
    options;
  const send = (socket: Socket) => (text: string) =>
    void (socket.readyState === OPEN && socket.send(text));
  const heartbeat = new Heartbeat(vsn, config.maxSilenceMs, runtime.now, send(upstream.socket));
  const judge = createGate({
    identity,
    vsn,
    config,
    now: runtime.now,
    authenticate: authenticator.authenticate,
    answer,
    onIdentity: expireWith,
    onJoin: () => clearTimeout(unjoined),
  });
  const { closed, end, counts } = tunnel({
    client,
    upstream,
    judge,
    heartbeat,
    unsent,
  });
  /** What the relay itself says to a client that does not read is bounded like the rest. */
  function answer(text: string): void {
    if (unsent.hasRoom(client, text.length)) send(client)(text);
    else fail("unread", "The client does not read the relay's answers.");
  }
  const fail = (code: Code, message: string) => end(new RelayError(code, message));
  let expiresAt = Infinity;
  // One timer for the notice and the end: it is kept for every socket.
  const expiry = createDeadline(runtime.now, () => {
    if (runtime.now() >= expiresAt) return fail("token_expired", "The token has expired.");
    tellExpiry();
    expiry.set(expiresAt);
  });
  const unjoined = setTimeout(() => {
    fail("join_timeout", "The socket has joined no channel.");
  }, config.joinTimeoutMs);

  function expireWith(next: Identity): void {
    if (next.kind !== "user") return;
    expiresAt = next.expiresAt * 1000;
    expiry.set(negotiated ? expiresAt - EXPIRY_NOTICE_MS : expiresAt);
  }

  /** Where less than the notice's time is left at the handshake, it waits for `open`. */
  function tellExpiry(): void {
    const left = expiresAt - runtime.now();
    if (client.readyState === CONNECTING) {
      client.addEventListener("open", tellExpiry, { once: true });
    } else if (left <= EXPIRY_NOTICE_MS) notify("token_expiring", Math.max(0, left));
  }

  /** On topic `phoenix`, which realtime-js passes over: only those who know it see it. */
  function notify(status: string, deadlineMs: number): void {
    const payload = { extension: "relay", status, deadline_ms: Math.round(deadlineMs) };
    send(client)(encodeServerFrame(vsn, { topic: "phoenix", event: "system", payload }));
  }

  function tick(): void {
    const pulse = heartbeat.tick();
    if (pulse !== "alive") fail(...ENDINGS[pulse]);
  }

  expireWith(identity);
  closed.then(() => {
    expiry.clear();
    clearTimeout(unjoined);
  });
  return { negotiated, counts, closed, end, notify, tick };
}
