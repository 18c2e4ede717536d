import type { Fixes } from "./mod.ts";

export const nginx: Fixes = {
  route: `# in http { }, once
map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
# in server { }
location /realtime/v1/ {
  proxy_pass http://127.0.0.1:8000;   # the gateway; no path and no slash behind the port
  proxy_http_version 1.1;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $connection_upgrade;
  proxy_set_header Host $host;
  proxy_buffering off;
  proxy_read_timeout 24h;
  proxy_send_timeout 24h;
}`,
  host: `# where proxy_pass leads to Realtime itself
proxy_set_header Host realtime-dev.localhost;`,
  timeouts: `proxy_read_timeout 24h;
proxy_send_timeout 24h;`,
};
