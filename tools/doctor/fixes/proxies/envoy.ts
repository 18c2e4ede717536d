import type { Fixes } from "../fixes.ts";

export const envoy: Fixes = {
  route: ({ prefix, path }) =>
    `# of the HttpConnectionManager that has the route: without it Envoy answers an upgrade by 403
upgrade_configs:
  - upgrade_type: websocket
route_config:
  virtual_hosts:
    - name: supabase
      domains: ["*"]
      routes:
        - match: { prefix: "${prefix}${path}" }
          route: { cluster: ${
      path.endsWith("/relay/") ? "relay" : "realtime"
    }, timeout: 0s, idle_timeout: 86400s${prefix && `, prefix_rewrite: "${path}"`} }`,
  host: () =>
    `# of the route that leads to Realtime itself
host_rewrite_literal: realtime-dev.localhost`,
  timeouts: () =>
    `# of the route
timeout: 0s
idle_timeout: 86400s`,
  file: "deploy/self-host/envoy.relay.yml",
};
