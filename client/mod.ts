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
import { socketUrl } from "./carrier/address.ts";
import { Carrier } from "./carrier/carrier.ts";
import type { CatchUp } from "./catch_up.ts";
import { defaultHost, type Host, steady } from "./host.ts";
import { RelaySocket } from "./socket.ts";
import type { RelayStatus } from "./status.ts";

export { tableCatchUp } from "./catch_up.ts";
export { messageCatchUp } from "./message_catch_up.ts";
export type {
  CatchUp,
  CatchUpRequest,
  History,
  Mirror,
  TableCatchUpOptions,
  TableReader,
} from "./catch_up.ts";
export type { MessageCatchUpOptions, MessageReader } from "./message_catch_up.ts";
export type { Keys } from "./row_change.ts";
export type { Host } from "./host.ts";
export type { RelaySocket } from "./socket.ts";
export type { ChannelStatus, RelayStatus } from "./status.ts";

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
  /** What is read again after a gap; transport.catchUp() adds more. */
  catchUp?: CatchUp[];
  /** What pushes may wait while reconnecting, in bytes. Default 1 MiB. */
  maxQueueBytes?: number;
  /**
   * A worker's wall clock, in ms, where it is known (150000 on Supabase's free plan): the transport
   * then moves in time even if the relay's notice does not reach it. Default: only after a notice.
   */
  wallClockMs?: number;
  /**
   * Replaces parts of the runtime: a WebSocket class where there is none, what tells that the
   * application is visible again where there is no page; clock, chance and timers for tests.
   */
  host?: Partial<Host>;
}

/** A class shaped like WebSocket, for `realtime.transport` of createClient(). */
export type RelayTransport = (new (address: string | URL) => RelaySocket) & {
  /** How the way to Realtime stands now. */
  readonly status: RelayStatus;
  /** Dials at once, whatever the transport waits for. */
  retry(): void;
  /** Adds what is read again after a gap: tables, and messages. */
  catchUp(...catchUps: CatchUp[]): void;
};

/**
 * Makes the transport of one client. Throws a TypeError for a relay that is not an http(s) or ws(s)
 * URL.
 */
export function relayTransport(options: RelayTransportOptions): RelayTransport {
  const catchUp = [...options.catchUp ?? []];
  const host = { ...defaultHost(), ...options.host };
  const settings = {
    ...options,
    relay: socketUrl(options.relay),
    catchUp,
    maxQueueBytes: options.maxQueueBytes ?? MAX_QUEUE_BYTES,
    host: { ...host, now: steady(() => host.now()) },
  };
  // A second client of one transport, such as a hot reload makes, has a session of its own.
  const carriers = [new Carrier(settings)];
  // Clients come back to what they have left in the order in which they were made.
  const free = () =>
    carriers.find(({ face }) => face === null) ?? carriers.find(({ face }) => !face) ??
      carriers[carriers.push(new Carrier(settings)) - 1];
  return class extends RelaySocket {
    constructor(address: string | URL) {
      super(free(), new URL(address));
    }
    static get status() {
      return (carriers.filter(({ face }) => face).pop() ?? carriers.at(-1)!).status;
    }
    static retry() {
      for (const carrier of carriers) carrier.retry();
    }
    static catchUp(...more: CatchUp[]) {
      catchUp.push(...more);
    }
  };
}
