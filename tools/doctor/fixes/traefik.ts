import type { Fixes } from "./mod.ts";

export const traefik: Fixes = {
  route: `# dynamic configuration; upgrades pass by themselves. No stripPrefix on this router.
http:
  routers:
    supabase:
      rule: "Host(\`example.com\`) && PathPrefix(\`/realtime/v1/\`)"
      service: supabase
  services:
    supabase:
      loadBalancer:
        passHostHeader: true
        servers:
          - url: "http://127.0.0.1:8000"`,
  host: `# a middleware for the router that leads to Realtime itself
http:
  middlewares:
    realtime-host:
      headers:
        customRequestHeaders:
          Host: realtime-dev.localhost`,
  timeouts: `# static configuration
entryPoints:
  websecure:
    address: ":443"
    transport:
      respondingTimeouts:
        readTimeout: 0
        writeTimeout: 0
        idleTimeout: 86400`,
};
