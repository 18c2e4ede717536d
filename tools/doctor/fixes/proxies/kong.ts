import type { Fixes } from "../fixes.ts";

const TIMEOUTS = (indent: string) =>
  ["read_timeout: 86400000", "write_timeout: 86400000"].map((it) => indent + it).join("\n");

export const kong: Fixes = {
  route: ({ prefix, path, gateway }) =>
    path.endsWith("/relay/")
      ? `services:
  - name: relay-v1
    url: http://${gateway.endsWith(":8787") ? gateway : "relay:8787"}
${TIMEOUTS("    ")}
    routes:
      - name: relay-v1
        strip_path: false
        paths:
          - ${prefix}${path.slice(0, -1)}`
      : `services:
  - name: realtime-v1-ws
    url: http://realtime-dev.supabase-realtime:4000/socket
${TIMEOUTS("    ")}
    routes:
      - name: realtime-v1-ws
        strip_path: true
        paths:
          - ${prefix}${path}`,
  host: () =>
    `# The service's url names the tenant by its first label; the route must not keep the outer Host.
url: http://realtime-dev.supabase-realtime:4000/socket
routes:
  - preserve_host: false`,
  timeouts: () => `# of the service, in milliseconds\n${TIMEOUTS("")}`,
  file: "deploy/proxies/kong.yml",
};
