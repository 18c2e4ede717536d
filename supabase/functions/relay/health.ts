import type { Checks } from "./authenticate.ts";
import type { Config } from "./config.ts";
import type { Code } from "./errors.ts";
import type { HubReport } from "./hub.ts";
import type { Count } from "./lane.ts";
import type { Session } from "./session.ts";
import type { Summary } from "./tunnel.ts";

/** Of this source; goes up with each release. */
export const VERSION = "0.1.0";

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

  /** The body of GET /relay/health. All numbers are of this worker, since its start. */
  report(
    config: Config,
    checks: Checks,
    maxSockets: number,
    hub: HubReport,
  ): Record<string, unknown> {
    const fromClient = { ...this.#fromClient };
    const fromUpstream = { ...this.#fromUpstream };
    for (const { counts } of this.sessions) {
      add(fromClient, counts.fromClient);
      add(fromUpstream, counts.fromUpstream);
    }
    return {
      status: "ok",
      version: VERSION,
      since: new Date(this.#started).toISOString(),
      upstream: config.supabaseUrl.origin,
      checks,
      anonymous: config.anonymous,
      origins: config.origins,
      addressLimits: config.trustedProxies > 0 ? "on" : "off: RELAY_TRUSTED_PROXIES is not set",
      sockets: { open: this.sessions.size, most: maxSockets, served: this.#served },
      closedBy: this.#closed,
      refusals: this.#refusals,
      fromClient,
      fromUpstream,
      hub,
    };
  }
}

function add(total: Count, { messages, bytes }: Count): void {
  total.messages += messages;
  total.bytes += bytes;
}
