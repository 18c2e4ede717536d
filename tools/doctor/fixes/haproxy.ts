import type { Fixes } from "./mod.ts";

export const haproxy: Fixes = {
  route: `frontend web
  mode http
  acl is_realtime path_beg /realtime/v1/
  use_backend supabase if is_realtime   # no http-request set-path, no del-header Upgrade
backend supabase
  mode http
  timeout server 24h
  timeout tunnel 24h
  server gateway 127.0.0.1:8000 check`,
  host: `# in the backend that leads to Realtime itself
http-request set-header Host realtime-dev.localhost`,
  timeouts: `# in defaults, or in frontend and backend
timeout client 24h
timeout server 24h
timeout tunnel 24h`,
};
