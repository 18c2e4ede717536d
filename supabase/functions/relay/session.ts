import type { Authenticator, Identity } from "./authenticate.ts";
import type { Config } from "./config.ts";
import { createDeadline } from "./deadline.ts";
import type { Upstream } from "./dial.ts";
import { type Code, RelayError } from "./errors.ts";
import { createGate } from "./gate.ts";
import { Heartbeat } from "./heartbeat.ts";
import { encodeServerFrame } from "./phoenix.ts";
import { OPEN, type Runtime, type Socket } from "./runtime.ts";
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
  let expiresAt = 0;
  let told = false;
  // One timer for the notice and the end: each of them is kept for every socket.
  const expiry = createDeadline(runtime.now, () => {
    if (told) return fail("token_expired", "The token has expired.");
    told = true;
    notify("token_expiring", EXPIRY_NOTICE_MS);
    expiry.set(expiresAt);
  });
  const unjoined = setTimeout(() => {
    fail("join_timeout", "The socket has joined no channel.");
  }, config.joinTimeoutMs);

  function expireWith(next: Identity): void {
    if (next.kind !== "user") return;
    expiresAt = next.expiresAt * 1000;
    told = false;
    expiry.set(expiresAt - EXPIRY_NOTICE_MS);
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
