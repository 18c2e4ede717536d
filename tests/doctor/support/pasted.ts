import { FIXES } from "../../../tools/doctor/fixes/mod.ts";
import type { Way } from "../../../tools/doctor/fixes/way.ts";
import type { Place, ProxyName } from "../../support/proxies/start.ts";
import {
  apache,
  caddy,
  haproxy,
  nginx,
  NGINX_UPGRADE,
} from "../../support/proxies/configurations.ts";

/** What the doctor prints lines about for every one of these proxies. */
export const PASTED = ["route", "host", "timeouts", "password"] as const;

/** Paths that lines are about: a project's, below a prefix, and a relay's. */
export const PATHS: Omit<Way, "gateway">[] = [
  { prefix: "", path: "/realtime/v1/" },
  { prefix: "/supabase", path: "/realtime/v1/" },
  { prefix: "", path: "/functions/v1/relay/" },
  { prefix: "/a/b", path: "/functions/v1/relay/" },
];

/** The lines that the doctor prints, pasted where they say, in front of `gateway` (host:port). */
export function pasted(
  name: ProxyName,
  topic: typeof PASTED[number],
  gateway: string,
  at = PATHS[0],
): (place: Place) => string {
  const lines = FIXES[name][topic]!({ gateway, ...at });
  switch (name) {
    case "nginx": {
      if (topic === "host" || topic === "timeouts") {
        return nginx(`${NGINX_UPGRADE} location / { proxy_pass http://${gateway}; ${lines}\n}`);
      }
      const [http, server] = lines.split("# in server { }");
      return nginx(server, http);
    }
    case "caddy":
      return caddy(lines);
    case "apache":
      return apache(`${lines}\nProxyPass / http://${gateway}/ upgrade=websocket`);
    case "haproxy":
      return pastedHaproxy(lines, topic, gateway);
  }
}

function pastedHaproxy(lines: string, topic: typeof PASTED[number], gateway: string) {
  const defaults = "defaults\n  timeout connect 2s\n";
  switch (topic) {
    case "route":
      return ({ port }: Place) =>
        `${defaults}  timeout client 60s\n` +
        lines.replace("mode http", `mode http\n  bind 127.0.0.1:${port}`);
    case "password":
      return haproxy(lines, gateway);
    case "host":
      return haproxy("", `${gateway}\n${lines}`);
    case "timeouts":
      return (place: Place) =>
        haproxy("", gateway)(place).replace(
          /( {2}timeout \S+ \S+\n)+/,
          `  timeout connect 2s\n${lines}\n`,
        );
  }
}
