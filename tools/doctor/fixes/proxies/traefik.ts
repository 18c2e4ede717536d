import type { Fixes } from "../fixes.ts";
import type { Way } from "../way.ts";

const route = ({ gateway, prefix, path }: Way, note: string) =>
  `# dynamic configuration; upgrades pass by themselves. ${note}
http:
  routers:
    supabase:
      rule: "Host(\`example.com\`) && PathPrefix(\`${prefix}${path}\`)"
      service: supabase${
    prefix &&
    `
      middlewares: [outer]
  middlewares:
    outer:
      stripPrefix:
        prefixes: ["${prefix}"]`
  }
  services:
    supabase:
      loadBalancer:
        passHostHeader: true
        servers:
          - url: "http://${gateway}"`;

export const traefik: Fixes = {
  route: (way) =>
    route(
      way,
      way.prefix ? "Without what the gateway does not know." : "No stripPrefix on this router.",
    ),
  host: () =>
    `# a middleware for the router that leads to Realtime itself
http:
  middlewares:
    realtime-host:
      headers:
        customRequestHeaders:
          Host: realtime-dev.localhost`,
  timeouts: () =>
    `# static configuration
entryPoints:
  websecure:
    address: ":443"
    transport:
      respondingTimeouts:
        readTimeout: 0
        writeTimeout: 0
        idleTimeout: 86400`,
  password: (way) => route(way, "No basicAuth and no forwardAuth on this router."),
  file: "deploy/proxies/traefik",
};
