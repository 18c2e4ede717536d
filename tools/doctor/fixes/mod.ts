import type { FindingId } from "../findings/mod.ts";
import type { ProxyName } from "../options.ts";
import { apache } from "./apache.ts";
import { caddy } from "./caddy.ts";
import { cloudflare } from "./cloudflare.ts";
import { haproxy } from "./haproxy.ts";
import { kong } from "./kong.ts";
import { nginx } from "./nginx.ts";
import { traefik } from "./traefik.ts";

/** Lines to paste into a proxy's configuration. */
export interface Fixes {
  /** Leads /realtime/v1/ to the gateway: upgrade, HTTP/1.1, path and query kept. */
  route: string;
  /** Names the tenant, where the proxy leads to Realtime itself. */
  host: string;
  /** Keeps idle sockets open. */
  timeouts: string;
  /** Lets the upgrade through. */
  firewall?: string;
}

/** By proxy, for the documentation too. */
export const FIXES: Record<ProxyName, Fixes> = {
  ...{ nginx, caddy, traefik, haproxy, apache, kong, cloudflare },
};

/** Which lines mend which finding. */
export const TOPICS: Partial<Record<FindingId, keyof Fixes>> = {
  upgrade_dropped: "route",
  http_version: "route",
  path_lost: "route",
  path_doubled: "route",
  path_unmapped: "route",
  path_wrong: "route",
  page_answered: "route",
  query_dropped: "route",
  gateway_unreachable: "route",
  subprotocol_dropped: "route",
  accept_wrong: "route",
  unanswered: "route",
  socket_silent: "route",
  host_not_tenant: "host",
  tenant_not_found: "host",
  idle_cut: "timeouts",
  idle_short: "timeouts",
  socket_lost: "timeouts",
  waf: "firewall",
};

/** Where the gateway is in the lines, unless told. */
const GATEWAY = "127.0.0.1:8000";

/** The lines for a finding at this proxy; undefined where there are none, or no proxy is known. */
export function linesFor(
  id: FindingId,
  proxy: ProxyName | undefined,
  gateway = GATEWAY,
): string[] | undefined {
  const topic = TOPICS[id];
  const text = proxy && topic && FIXES[proxy][topic];
  return text ? [`# ${proxy}`, ...text.replaceAll(GATEWAY, gateway).split("\n")] : undefined;
}
