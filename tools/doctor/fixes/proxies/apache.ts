import type { Fixes } from "../fixes.ts";

export const apache: Fixes = {
  route: ({ gateway, prefix, path }) =>
    `# 2.4.47 or newer: a2enmod proxy proxy_http
ProxyPass "${prefix}${path}" "http://${gateway}${path}" upgrade=websocket timeout=86400
# older: a2enmod proxy_wstunnel rewrite
RewriteEngine on
RewriteCond %{HTTP:Upgrade} =websocket [NC]
RewriteRule ^${prefix}${path}(.*) ws://${gateway}${path}$1 [P,L]`,
  host: () =>
    `# where it leads to Realtime itself: a2enmod headers
ProxyPreserveHost On
RequestHeader set Host realtime-dev.localhost`,
  timeouts: () =>
    `# in the virtual host; where ProxyPass has a timeout= of its own, there
ProxyTimeout 86400`,
  password: ({ prefix, path }) =>
    `<Location "${prefix}${path}">
  Require all granted
</Location>`,
  file: "deploy/proxies/apache.conf",
};
