import type { Way } from "./way.ts";

/** Lines to paste into a proxy's configuration. */
export interface Fixes {
  /** Leads the path to the gateway: upgrade, HTTP/1.1, path and query kept. */
  route: (way: Way) => string;
  /** Names the tenant, where the proxy leads to Realtime itself. */
  host: (way: Way) => string;
  /** Keeps idle sockets open. */
  timeouts: (way: Way) => string;
  /** Lets the upgrade through. */
  firewall?: (way: Way) => string;
  /** Takes a password off the path. */
  password?: (way: Way) => string;
  /** A whole file of this repository. */
  file?: string;
}

/** What the lines are about. */
export type Topic = Exclude<keyof Fixes, "file">;
