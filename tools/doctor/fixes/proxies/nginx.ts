import type { Fixes } from "../fixes.ts";
import type { Way } from "../way.ts";

/** What a location for sockets wants; `more` is one line more. */
const location = ({ gateway, prefix, path }: Way, more = "") =>
  `# in http { }, once
map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
# in server { }
location ${prefix}${path} {${more}
  proxy_pass http://${gateway}${
    prefix
      ? `${path};   # the gateway, without ${prefix}`
      : ";   # the gateway; no path and no slash behind the port"
  }
  proxy_http_version 1.1;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $connection_upgrade;
  proxy_set_header Host $host;
  proxy_buffering off;
  proxy_read_timeout 24h;
  proxy_send_timeout 24h;
}`;

export const nginx: Fixes = {
  route: (way) => location(way),
  host: () =>
    `# where proxy_pass leads to Realtime itself
proxy_set_header Host realtime-dev.localhost;`,
  timeouts: () =>
    `proxy_read_timeout 24h;
proxy_send_timeout 24h;`,
  password: (way) => location(way, "\n  auth_basic off;"),
  file: "deploy/proxies/nginx.conf",
};
