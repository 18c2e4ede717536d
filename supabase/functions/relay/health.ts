import type { Checks } from "./authenticate.ts";
import type { Config } from "./config.ts";
import type { Code } from "./errors.ts";

/** Of this source; goes up with each release. */
export const VERSION = "0.1.0";

/** What a worker knows about itself: no user, no address, no key. */
export class Health {
  readonly #since: string;
  sockets = 0;
  served = 0;
  readonly #refusals: Partial<Record<Code, number>> = {};

  constructor(now: number) {
    this.#since = new Date(now).toISOString();
  }

  refused(code: Code): void {
    this.#refusals[code] = (this.#refusals[code] ?? 0) + 1;
  }

  /** The body of GET /relay/health. All numbers are of this worker, since its start. */
  report(config: Config, checks: Checks): Record<string, unknown> {
    return {
      status: "ok",
      version: VERSION,
      since: this.#since,
      upstream: new URL(config.supabaseUrl).origin,
      checks,
      anonymous: config.anonymous,
      origins: config.origins,
      sockets: { open: this.sockets, served: this.served },
      refusals: this.#refusals,
    };
  }
}
