import type { Fixes } from "./mod.ts";

export const apache: Fixes = {
  route: `# 2.4.47 or newer: a2enmod proxy proxy_http
ProxyPass "/realtime/v1/" "http://127.0.0.1:8000/realtime/v1/" upgrade=websocket timeout=86400
# older: a2enmod proxy_wstunnel rewrite
RewriteEngine on
RewriteCond %{HTTP:Upgrade} =websocket [NC]
RewriteRule ^/realtime/v1/(.*) ws://127.0.0.1:8000/realtime/v1/$1 [P,L]`,
  host: `# where it leads to Realtime itself: a2enmod headers
ProxyPreserveHost On
RequestHeader set Host realtime-dev.localhost`,
  timeouts: `# in the virtual host; where ProxyPass has a timeout= of its own, there
ProxyTimeout 86400`,
};
