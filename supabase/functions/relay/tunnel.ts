import { type Close, closeForClient, closeForUpstream, closeOf } from "./close.ts";
import type { Upstream } from "./dial.ts";
import { RelayError, toRelayError } from "./errors.ts";
import type { Judgement } from "./gate.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { CONNECTING, type Message, OPEN, type Socket } from "./runtime.ts";
import type { Unsent } from "./unsent.ts";

/** What one direction carried. Text counts in UTF-16 units, which for ASCII are bytes. */
export interface Count {
  messages: number;
  bytes: number;
}

/** How a tunnel ended. */
export interface Summary {
  by: "client" | "upstream" | "relay";
  /** What the client said, or was told. */
  code: number;
  /** Why the relay ended it, where it did. */
  error?: RelayError;
}

export interface Tunnel {
  /** Settles when both sockets are closed; never rejects. */
  closed: Promise<Summary>;
  /** Ends the tunnel with the error's close code. */
  end(error: RelayError): void;
  /** What was carried so far. */
  counts: { fromClient: Count; fromUpstream: Count };
}

export interface TunnelOptions {
  /** Not open yet: a close before `open` would hang it. */
  client: Socket;
  upstream: Upstream;
  judge(message: Message): Judgement | Promise<Judgement>;
  heartbeat: Pick<Heartbeat, "heard" | "awaiting" | "takes">;
  unsent: Unsent;
}

/** A peer that was told to close and does not answer is given up after this. */
const CLOSE_GRACE_MS = 5_000;

/** A client that left while upstream was dialled never opens. */
const OPEN_TIMEOUT_MS = 10_000;

/** What a held message costs beside its bytes, so that empty ones are bounded too. */
const HELD_OVERHEAD_BYTES = 64;

/**
 * Joins two sockets: what upstream sends reaches the client unparsed, what the client sends is
 * judged first; text stays text, binary stays binary, the order is kept and nothing is dropped. The
 * first end wins: the other side is closed with a code that it may be sent. A peer that does not
 * read is cut off with 4413 before its unsent messages pass what `unsent` allows.
 */
export function tunnel(options: TunnelOptions): Tunnel {
  const { client, upstream: { socket: upstream, listen }, judge, heartbeat, unsent } = options;
  const settled = Promise.withResolvers<Summary>();
  let summary: Summary | undefined;
  let unclosed = 2;

  function fail(thrown: unknown): void {
    const error = toRelayError(thrown);
    finish("relay", closeOf(error), error);
  }
  const down = lane(client, unsent, undefined, fail);
  const up = lane(upstream, unsent, judge, fail);

  function finish(by: Summary["by"], end: Close, error?: RelayError): void {
    if (summary) return;
    summary = { by, code: end.code, error };
    clearTimeout(never);
    close(client, end);
    close(upstream, closeForUpstream(end));
    const timer = setTimeout(() => settled.resolve(summary!), CLOSE_GRACE_MS);
    settled.promise.then(() => clearTimeout(timer));
  }

  function gone(): void {
    if (--unclosed === 0) settled.resolve(summary!);
  }

  client.binaryType = "arraybuffer";
  unsent.watch(upstream);
  const never = setTimeout(() => finish("client", { code: 1006, reason: "" }), OPEN_TIMEOUT_MS);
  client.addEventListener("open", () => {
    clearTimeout(never);
    unsent.watch(client);
    down.resume();
  });
  client.addEventListener("message", (event) => {
    heartbeat.heard = true;
    if (!summary) up.push(event.data);
  });
  const receive = (message: Message) => {
    if (summary || (heartbeat.awaiting && heartbeat.takes(message))) return;
    down.push(message);
  };
  listen(receive, (close) => {
    const lost = new RelayError("upstream_lost", "Realtime ended the connection.");
    finish("upstream", closeForClient(close, lost));
    gone();
  });
  // Once: Deno reports an idle socket's end twice.
  client.addEventListener("close", ({ code, reason }) => {
    finish("client", { code, reason });
    gone();
  }, { once: true });
  return {
    closed: settled.promise,
    end: fail,
    counts: { fromClient: up.count, fromUpstream: down.count },
  };
}

interface Lane {
  count: Count;
  push(message: Message): void;
  /** Sends what was held while the receiving socket was not open. */
  resume(): void;
}

/**
 * One direction of a tunnel. Messages wait, in order, while the receiver is not open yet or an
 * earlier message is still being judged; otherwise they pass without an allocation.
 */
function lane(
  to: Socket,
  unsent: Unsent,
  judge: TunnelOptions["judge"] | undefined,
  fail: (error: unknown) => void,
): Lane {
  const count: Count = { messages: 0, bytes: 0 };
  const held: Message[] = [];
  let heldBytes = 0;
  let judging = false;

  function send(message: Judgement): void {
    if (message === undefined || to.readyState !== OPEN) return;
    const size = sizeOf(message);
    if (!unsent.hasRoom(to, size)) throw unread();
    to.send(message);
    count.messages++;
    count.bytes += size;
  }

  function pass(message: Message): void {
    try {
      const judgement = judge ? judge(message) : message;
      if (!(judgement instanceof Promise)) return send(judgement);
      judging = true;
      judgement.then((message) => {
        judging = false;
        send(message);
        resume();
      }).catch(fail);
    } catch (error) {
      fail(error);
    }
  }

  function push(message: Message): void {
    if (!judging && held.length === 0 && to.readyState !== CONNECTING) {
      return pass(message);
    }
    heldBytes += sizeOf(message) + HELD_OVERHEAD_BYTES;
    if (heldBytes > unsent.max) return fail(unread());
    held.push(message);
  }

  function resume(): void {
    while (!judging && held.length > 0) {
      const message = held.shift()!;
      heldBytes -= sizeOf(message) + HELD_OVERHEAD_BYTES;
      pass(message);
    }
  }

  return { count, push, resume };
}

function sizeOf(message: Message): number {
  return typeof message === "string" ? message.length : message.byteLength;
}

function unread(): RelayError {
  return new RelayError("unread", "A peer does not read what it is sent.");
}

/**
 * Closes a socket in the next turn, or as soon as it is open: a close before that hangs the client.
 * In the next turn, since Deno loses a close frame that is sent while a further message of the peer
 * is read already, and the peer would see 1006.
 */
function close(socket: Socket, { code, reason }: Close): void {
  const now = () => socket.readyState === OPEN && socket.close(code, reason);
  if (socket.readyState !== CONNECTING) setTimeout(now, 0);
  else socket.addEventListener("open", now, { once: true });
}
