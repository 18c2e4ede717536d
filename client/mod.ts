/**
 * The browser side: what supabase-js takes as `realtime.transport` to reach Realtime through the
 * relay. It knows web standards only and needs no other module.
 *
 * ```ts
 * const transport = relayTransport({ relay, token: () => session?.access_token ?? null });
 * const supabase = createClient(url, publishableKey, { realtime: { transport } });
 * transport.catchUp(tableCatchUp(supabase, "url_clicks", { key: "id", time: "clicked_at" }));
 * ```
 * @module
 */
import { socketUrl } from "./address.ts";
import type { CatchUp } from "./catch_up.ts";
import { Connection } from "./connection.ts";
import { defaultHost, type Host } from "./host.ts";
import { RelaySocket } from "./socket.ts";
import type { RelayStatus } from "./status.ts";

export { tableCatchUp } from "./catch_up.ts";
export type {
  CatchUp,
  CatchUpRequest,
  Mirror,
  TableCatchUpOptions,
  TableReader,
} from "./catch_up.ts";
export type { Host } from "./host.ts";
export type { RelaySocket } from "./socket.ts";
export type { RelayStatus } from "./status.ts";

/** What waits while no socket is underneath: a minute of typing, a second of a busy page. */
const MAX_QUEUE_BYTES = 1_048_576;

export interface RelayTransportOptions {
  /** The relay, such as `https://abc.supabase.co/functions/v1/relay`; http(s) or ws(s). */
  relay: string | URL;
  /**
   * The user's access token, asked for at each connect; null, and the default, is an anonymous
   * viewer. It travels as a subprotocol, so it is in no URL and no access log.
   */
  token?: () => string | null | undefined | Promise<string | null | undefined>;
  /** Told of each change of state. */
  onstatus?(status: RelayStatus): void;
  /** How tables are read again after a gap; transport.catchUp() adds more. */
  catchUp?: CatchUp[];
  /** What pushes may wait while reconnecting, in bytes. Default 1 MiB. */
  maxQueueBytes?: number;
  /**
   * A worker's wall clock, in ms, where it is known (150000 on Supabase's free plan): the transport
   * then moves in time even if the relay's notice does not reach it. Default: only after a notice.
   */
  wallClockMs?: number;
  /** Replaces parts of the runtime: a WebSocket class, clock, chance, timers. For tests. */
  host?: Partial<Host>;
}

/** A class shaped like WebSocket, for `realtime.transport` of createClient(). */
export type RelayTransport = (new (address: string | URL) => RelaySocket) & {
  /** How the way to Realtime stands now. */
  readonly status: RelayStatus;
  /** Dials at once, whatever the transport waits for. */
  retry(): void;
  /** Adds tables that are read again after a gap. */
  catchUp(...tables: CatchUp[]): void;
};

/**
 * Makes the transport of one client. Throws a TypeError for a relay that is not an http(s) or ws(s)
 * URL.
 */
export function relayTransport(options: RelayTransportOptions): RelayTransport {
  const catchUp = [...options.catchUp ?? []];
  const connection = new Connection({
    ...options,
    relay: socketUrl(options.relay),
    catchUp,
    maxQueueBytes: options.maxQueueBytes ?? MAX_QUEUE_BYTES,
    host: { ...defaultHost(), ...options.host },
  });
  return class extends RelaySocket {
    constructor(address: string | URL) {
      super(connection, new URL(address));
    }
    static get status() {
      return connection.status;
    }
    static retry() {
      connection.retry();
    }
    static catchUp(...tables: CatchUp[]) {
      catchUp.push(...tables);
    }
  };
}
