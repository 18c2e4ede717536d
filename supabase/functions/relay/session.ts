import type { Authenticator, Identity } from "./authenticate.ts";
import type { Config } from "./config.ts";
import { createDeadline } from "./deadline.ts";
import type { Upstream } from "./dial.ts";
import { causeOf, RelayError } from "./errors.ts";
import { createGate } from "./gate.ts";
import type { Health } from "./health.ts";
import { OPEN, type Runtime, type Socket } from "./runtime.ts";
import { type Summary, tunnel } from "./tunnel.ts";
import type { Vsn } from "./upstream.ts";

export interface SessionOptions {
  id: string;
  client: Socket;
  upstream: Upstream;
  identity: Identity;
  vsn: Vsn;
  config: Config;
  authenticator: Authenticator;
  runtime: Runtime;
  health: Health;
}

/**
 * One socket's life: the tunnel, the gate that judges what the client sends, the token's deadline,
 * and a log line at each end. Settles when both sockets are closed.
 */
export async function runSession(options: SessionOptions): Promise<void> {
  const { id, client, upstream, identity, vsn, config, authenticator, runtime, health } = options;
  const start = runtime.now();
  const judge = createGate({
    identity,
    vsn,
    config,
    authenticate: authenticator.authenticate,
    answer: (text) => client.readyState === OPEN && client.send(text),
    onIdentity: expireWith,
  });
  const { closed, end } = tunnel({
    client,
    upstream,
    judge,
    maxUnsentBytes: config.maxUnsentBytes,
  });
  const deadline = createDeadline(runtime.now, () => {
    end(new RelayError("token_expired", "The token has expired."));
  });
  function expireWith(next: Identity): void {
    if (next.kind === "user") deadline.set(next.expiresAt * 1000);
  }

  expireWith(identity);
  health.sockets++;
  health.served++;
  runtime.log({ event: "open", id, ...nameOf(identity), sockets: health.sockets });
  const summary = await closed;
  deadline.clear();
  health.sockets--;
  runtime.log({ event: "close", id, ms: runtime.now() - start, ...lineOf(summary) });
}

function nameOf(identity: Identity): { user: string; role: string } {
  if (identity.kind === "anonymous") return { user: "", role: "anon" };
  return { user: identity.id, role: identity.role };
}

function lineOf({ by, code, fromClient, fromUpstream, error }: Summary) {
  const cause = error && causeOf(error);
  return {
    by,
    code,
    messagesUp: fromClient.messages,
    bytesUp: fromClient.bytes,
    messagesDown: fromUpstream.messages,
    bytesDown: fromUpstream.bytes,
    ...(error && { error: error.code }),
    ...(cause && { cause }),
  };
}
