import type { Fixes } from "./mod.ts";

export const kong: Fixes = {
  route: `services:
  - name: realtime-v1-ws
    url: http://realtime-dev.supabase-realtime:4000/socket
    read_timeout: 86400000
    write_timeout: 86400000
    routes:
      - name: realtime-v1-ws
        strip_path: true
        paths:
          - /realtime/v1/`,
  host:
    `# The service's url names the tenant by its first label; the route must not keep the outer Host.
url: http://realtime-dev.supabase-realtime:4000/socket
routes:
  - preserve_host: false`,
  timeouts: `# of the service, in milliseconds
read_timeout: 86400000
write_timeout: 86400000`,
};
