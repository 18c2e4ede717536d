import type { Checks } from "../door/authenticate.ts";
import { authorizeMetrics } from "../door/authorize.ts";
import type { Config } from "../config/config.ts";
import { RelayError } from "../errors.ts";
import type { Hub } from "../hub/hub.ts";
import type { Measures } from "../measure/measures.ts";
import type { Places } from "../peer/places.ts";
import { contentTypeOf, formatFor } from "./exposition.ts";
import type { Health } from "./health.ts";
import { VERSION } from "./version.ts";
import { json } from "./http.ts";
import { metricsText } from "./metrics.ts";

export interface ReporterOptions {
  config: Config;
  checks: Checks;
  health: Health;
  hub: Pick<Hub, "report">;
  measures: Measures;
  places: Pick<Places, "counts">;
  maxSockets: number;
  /** How the ends of sessions are followed, in words. */
  revocation(): string;
}

/** Tells whoever asks how the worker does. All numbers are of this worker, since its start. */
export class Reporter {
  constructor(readonly options: ReporterOptions) {}

  /** Answers GET /relay/health. */
  health(): Response {
    const { config, checks, health, hub, places, maxSockets, revocation } = this.options;
    const { startedAt, served, ...numbers } = health.numbers();
    return json(200, {
      status: "ok",
      version: VERSION,
      since: new Date(startedAt).toISOString(),
      upstream: config.supabaseUrl.origin,
      checks,
      anonymous: config.anonymous,
      revocation: revocation(),
      origins: config.origins,
      addressLimits: config.trustedProxies > 0 ? "on" : "off: RELAY_TRUSTED_PROXIES is not set",
      sockets: { ...places.counts, most: maxSockets, served },
      ...numbers,
      hub: hub.report(),
    });
  }

  /**
   * Answers a request for /relay/metrics. Throws `not_found` for all who may not read them, whatever
   * they ask, and `method_not_allowed`.
   */
  metrics({ method, headers }: Request): Response {
    const { config, health, hub, measures, places: { counts }, maxSockets } = this.options;
    authorizeMetrics(headers, config);
    if (method !== "GET" && method !== "HEAD") {
      throw new RelayError("method_not_allowed", "Metrics are read by GET or HEAD.");
    }
    const format = formatFor(headers.get("accept") ?? "");
    const numbers = { ...health.numbers(), sockets: counts, maxSockets, hub: hub.report() };
    // Of an answer to HEAD the host sends no body.
    return new Response(metricsText(format, numbers, measures), {
      headers: { "content-type": contentTypeOf(format), "cache-control": "no-store" },
    });
  }
}
