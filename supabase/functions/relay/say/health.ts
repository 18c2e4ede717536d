import type { Code } from "../errors.ts";
import type { Count } from "../socket/lane.ts";
import type { Session } from "../socket/session.ts";
import type { Summary } from "../socket/tunnel.ts";

/** What a worker has counted. */
export interface Numbers {
  /** Milliseconds since the epoch. */
  startedAt: number;
  /** Sockets that were let in. */
  served: number;
  closedBy: Record<Summary["by"], number>;
  /** By code; those that there were. */
  refusals: Partial<Record<Code, number>>;
  fromClient: Count;
  fromUpstream: Count;
}

/** What a worker knows about itself: no user, no address, no key. */
export class Health {
  readonly sessions = new Set<Session>();
  readonly #started: number;
  #served = 0;
  readonly #closed = { client: 0, upstream: 0, relay: 0 };
  readonly #refusals: Partial<Record<Code, number>> = {};
  /** Of the sessions that are over; those that run count themselves. */
  readonly #fromClient: Count = { messages: 0, bytes: 0 };
  readonly #fromUpstream: Count = { messages: 0, bytes: 0 };

  constructor(readonly now: () => number) {
    this.#started = now();
  }

  /** Milliseconds since the worker began. */
  uptime = (): number => this.now() - this.#started;

  opened(session: Session): void {
    this.sessions.add(session);
    this.#served++;
  }

  closed(session: Session, { by }: Summary): void {
    this.sessions.delete(session);
    this.#closed[by]++;
    add(this.#fromClient, session.counts.fromClient);
    add(this.#fromUpstream, session.counts.fromUpstream);
  }

  refused(code: Code): void {
    this.#refusals[code] = (this.#refusals[code] ?? 0) + 1;
  }

  /** All are of this worker, since its start. */
  numbers(): Numbers {
    const fromClient = { ...this.#fromClient };
    const fromUpstream = { ...this.#fromUpstream };
    for (const { counts } of this.sessions) {
      add(fromClient, counts.fromClient);
      add(fromUpstream, counts.fromUpstream);
    }
    return {
      startedAt: this.#started,
      served: this.#served,
      closedBy: this.#closed,
      refusals: this.#refusals,
      fromClient,
      fromUpstream,
    };
  }
}

function add(total: Count, { messages, bytes }: Count): void {
  total.messages += messages;
  total.bytes += bytes;
}
