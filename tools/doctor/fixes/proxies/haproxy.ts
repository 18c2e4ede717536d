import type { Fixes } from "../fixes.ts";

export const haproxy: Fixes = {
  route: ({ gateway, prefix, path }) =>
    `frontend web
  mode http
  acl is_realtime path_beg ${prefix}${path}
  use_backend supabase if is_realtime   # no http-request set-path, no del-header Upgrade
backend supabase
  mode http${prefix && `\n  http-request replace-path ${prefix}(/.*) \\1`}
  timeout server 24h
  timeout tunnel 24h
  server gateway ${gateway} check`,
  host: () =>
    `# in the backend that leads to Realtime itself
http-request set-header Host realtime-dev.localhost`,
  timeouts: () =>
    `# in defaults, or in frontend and backend
timeout client 24h
timeout server 24h
timeout tunnel 24h`,
  password: ({ prefix, path }) =>
    `# in the frontend, before its http-request auth
http-request allow if { path_beg ${prefix}${path} }`,
  file: "deploy/proxies/haproxy.cfg",
};
