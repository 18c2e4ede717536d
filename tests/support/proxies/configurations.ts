import type { Place } from "./start.ts";

/** Small configurations of real proxies, right but for what a set-up puts into them. */

const MODULES = "/usr/lib/apache2/modules";

/** `server` is what stands in the server block. */
export const nginx = (server: string, http = "") => ({ port, directory }: Place) => `
pid ${directory}/pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  ${http}
  server {
    listen 127.0.0.1:${port};
    ${server}
  }
}`;

/** The lines that nginx needs for an upgrade. */
export const NGINX_UPGRADE = `
  proxy_http_version 1.1;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection "upgrade";`;

export const caddy = (site: string) => ({ port }: Place) => `
{
  auto_https off
}
http://127.0.0.1:${port} {
  ${site}
}`;

export const haproxy = (frontend: string, server: string) => ({ port }: Place) => `
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
  retries 0
frontend web
  bind 127.0.0.1:${port}
  ${frontend}
  default_backend supabase
backend supabase
  server gateway ${server}`;

export const apache = (directives: string) => ({ port, directory }: Place) => `
Listen 127.0.0.1:${port}
LoadModule mpm_event_module ${MODULES}/mod_mpm_event.so
LoadModule authz_core_module ${MODULES}/mod_authz_core.so
LoadModule proxy_module ${MODULES}/mod_proxy.so
LoadModule proxy_http_module ${MODULES}/mod_proxy_http.so
LoadModule rewrite_module ${MODULES}/mod_rewrite.so
LoadModule headers_module ${MODULES}/mod_headers.so
User www-data
Group www-data
ServerName localhost
ErrorLog ${directory}/error.log
${directives}`;

/** `127.0.0.1:<port>` of a URL, as most of them want it. */
export const hostOf = (url: string) => new URL(url).host;
