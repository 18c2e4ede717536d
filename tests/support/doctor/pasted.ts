import { FIXES } from "../../../tools/doctor/fixes/mod.ts";
import type { Place, ProxyName } from "../proxies/start.ts";
import { apache, caddy, nginx } from "./configurations.ts";

/** The lines that the doctor prints for a route, pasted where they say, in front of `gateway`. */
export function pasted(name: ProxyName, gateway: string): (place: Place) => string {
  const lines = FIXES[name].route.replaceAll("127.0.0.1:8000", gateway);
  switch (name) {
    case "nginx": {
      const [http, server] = lines.split("# in server { }");
      return nginx(server, http);
    }
    case "caddy":
      return caddy(lines);
    case "apache":
      return apache(lines);
    case "haproxy":
      return ({ port }) =>
        `defaults
  timeout connect 2s
  timeout client 60s
${lines.replace("mode http", `mode http\n  bind 127.0.0.1:${port}`)}`;
  }
}
