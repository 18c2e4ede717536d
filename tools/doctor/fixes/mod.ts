import { apache } from "./proxies/apache.ts";
import { caddy } from "./proxies/caddy.ts";
import { cloudflare } from "./proxies/cloudflare.ts";
import { envoy } from "./proxies/envoy.ts";
import type { Fixes, Topic } from "./fixes.ts";
import { haproxy } from "./proxies/haproxy.ts";
import { kong } from "./proxies/kong.ts";
import { nginx } from "./proxies/nginx.ts";
import { traefik } from "./proxies/traefik.ts";
import type { Way } from "./way.ts";

/** By proxy. Their order is that of --proxy in what the doctor prints. */
export const FIXES = { nginx, caddy, traefik, haproxy, apache, kong, envoy, cloudflare };

export type ProxyName = keyof typeof FIXES;
export const PROXIES = Object.keys(FIXES) as ProxyName[];

/** A proxy's lines about a topic, for this way; undefined where it has none. */
export function linesFor(topic: Topic, proxy: ProxyName, way: Way): string[] | undefined {
  const fixes: Fixes = FIXES[proxy];
  const text = fixes[topic]?.(way);
  return text ? [`# ${proxy}`, ...text.split("\n")] : undefined;
}

/** The file of this repository that does all of it for this proxy; Envoy's is about the relay alone. */
export const fileOf = (proxy: ProxyName, way: Way): string | undefined =>
  proxy === "envoy" && !way.path.endsWith("/relay/") ? undefined : (FIXES[proxy] as Fixes).file;
