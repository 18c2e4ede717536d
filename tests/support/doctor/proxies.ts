import { freePort } from "../../../tools/stack/free_port.ts";
import { apache, caddy, haproxy, hostOf, nginx, NGINX_UPGRADE } from "./configurations.ts";
import type { SetUp } from "./stage.ts";

/** Typical mistakes in front of a healthy project. */
export const PROXY_SET_UPS: SetUp[] = [
  {
    name: "nginx as it is without the lines for an upgrade",
    ...{ expect: "upgrade_dropped", hop: "the front", needs: "nginx", paste: /proxy_http_version/ },
    make: async ({ stack, proxy }) => [
      await proxy("nginx", nginx(`location / { proxy_pass ${stack.info.API_URL}; }`)),
      ...["--direct", stack.info.API_URL],
    ],
  },
  {
    name: "nginx that sets Connection to close",
    ...{ expect: "upgrade_dropped", needs: "nginx", paste: /connection_upgrade/ },
    make: async ({ stack, proxy }) => [
      await proxy(
        "nginx",
        nginx(`location / {
          proxy_http_version 1.1;
          proxy_set_header Connection close;
          proxy_pass ${stack.info.API_URL};
        }`),
      ),
    ],
  },
  {
    name: "nginx whose proxy_pass ends with a slash, so that the prefix is lost",
    ...{ expect: "path_lost", needs: "nginx", paste: /no path and no slash/ },
    make: async ({ stack, proxy }) => [
      await proxy(
        "nginx",
        nginx(`${NGINX_UPGRADE}
        location /realtime/v1/ { proxy_pass ${stack.info.API_URL}/; }
        location / { proxy_pass ${stack.info.API_URL}; }`),
      ),
    ],
  },
  {
    name: "nginx that puts the prefix before every path",
    ...{ expect: "path_doubled", needs: "nginx" },
    make: async ({ stack, proxy }) => [
      await proxy(
        "nginx",
        nginx(`${NGINX_UPGRADE} location / { proxy_pass ${stack.info.API_URL}/realtime/v1/; }`),
      ),
    ],
  },
  {
    name: "nginx that builds the address without the query",
    ...{ expect: "query_dropped", needs: "nginx" },
    make: async ({ stack, proxy }) => [
      await proxy(
        "nginx",
        nginx(`${NGINX_UPGRADE}
        location ~ ^(.*)$ { proxy_pass ${stack.info.API_URL}$1; }`),
      ),
    ],
  },
  {
    name: "nginx that redirects http to https",
    ...{ expect: "redirect", needs: "nginx" },
    make: async ({ proxy }) => [
      await proxy("nginx", nginx("return 301 https://localhost$request_uri;")),
    ],
  },
  {
    name: "nginx that leads to Realtime itself and keeps the outer Host",
    ...{ expect: "host_not_tenant", needs: "nginx", paste: /Host realtime-dev/ },
    make: async ({ stack, proxy }) => [
      await proxy(
        "nginx",
        nginx(`${NGINX_UPGRADE}
        proxy_set_header Host $http_host;
        location /realtime/v1/ { proxy_pass ${stack.realtime.url}/socket/; }
        location / { proxy_pass ${stack.info.API_URL}; }`),
      ),
    ],
  },
  {
    name: "nginx that leads to Realtime itself and maps no path",
    ...{ expect: "path_unmapped", needs: "nginx" },
    make: async ({ stack, proxy }) => [
      await proxy(
        "nginx",
        nginx(`${NGINX_UPGRADE}
        location /auth/v1/ { proxy_pass ${stack.info.API_URL}; }
        location / { proxy_pass ${stack.realtime.url}; }`),
      ),
    ],
  },
  {
    name: "nginx that answers every path with the page",
    ...{ expect: "page_answered", needs: "nginx" },
    make: async ({ stack, proxy }) => [
      await proxy(
        "nginx",
        nginx(`default_type text/html;
        location /auth/v1/ { proxy_pass ${stack.info.API_URL}; }
        location / { return 200 "<!doctype html><title>app</title>"; }`),
      ),
    ],
  },
  {
    name: "nginx with a rule that forbids the upgrade",
    ...{ expect: "waf", needs: "nginx" },
    make: async ({ stack, proxy }) => [
      await proxy(
        "nginx",
        nginx(`if ($http_upgrade) { return 403; }
        location / { proxy_pass ${stack.info.API_URL}; }`),
      ),
    ],
  },
  {
    name: "nginx that speaks HTTP/2 alone",
    ...{ expect: "http2_only", needs: "nginx" },
    make: async ({ stack, proxy }) => [
      await proxy(
        "nginx",
        (place) =>
          nginx(`location / { proxy_pass ${stack.info.API_URL}; }`)(place)
            .replace(/listen \S+(?=;)/, "$& http2"),
      ),
    ],
  },
  {
    name: "Caddy with handle_path, which cuts the prefix off",
    ...{ expect: "path_lost", needs: "caddy", paste: /handle \/realtime/ },
    make: async ({ stack, proxy }) => [
      await proxy(
        "caddy",
        caddy(`handle_path /realtime/v1/* {
          reverse_proxy ${hostOf(stack.info.API_URL)}
        }
        reverse_proxy ${hostOf(stack.info.API_URL)}`),
      ),
    ],
  },
  {
    name: "Caddy that takes the header Upgrade away",
    ...{ expect: "upgrade_dropped", needs: "caddy", hop: "the front" },
    make: async ({ stack, proxy }) => [
      await proxy(
        "caddy",
        caddy(`request_header -Upgrade
        reverse_proxy ${hostOf(stack.info.API_URL)}`),
      ),
      ...["--direct", stack.info.API_URL],
    ],
  },
  {
    name: "Caddy whose gateway is at another port",
    ...{ expect: "gateway_unreachable", needs: "caddy", hop: "the front" },
    make: async ({ stack, proxy }) => [
      await proxy("caddy", caddy(`reverse_proxy 127.0.0.1:${freePort()}`)),
      ...["--direct", stack.info.API_URL],
    ],
  },
  {
    name: "HAProxy that deletes the header Upgrade",
    ...{ expect: "upgrade_dropped", needs: "haproxy" },
    make: async ({ stack, proxy }) => [
      await proxy(
        "haproxy",
        haproxy("http-request del-header upgrade", hostOf(stack.info.API_URL)),
      ),
    ],
  },
  {
    name: "HAProxy without a server that is up",
    ...{ expect: "gateway_unreachable", needs: "haproxy", paste: /use_backend/ },
    make: async ({ proxy }) => [
      await proxy("haproxy", haproxy("", `127.0.0.1:${freePort()}`)),
    ],
  },
  {
    name: "HAProxy that sets a path without its query",
    ...{ expect: "query_dropped", needs: "haproxy" },
    make: async ({ stack, proxy }) => [
      await proxy(
        "haproxy",
        haproxy("http-request set-query vsn=1.0.0", hostOf(stack.info.API_URL)),
      ),
    ],
  },
  {
    name: "Apache with a ProxyPass that knows no upgrade",
    ...{ expect: "upgrade_dropped", needs: "apache2", paste: /upgrade=websocket/ },
    make: async ({ stack, proxy }) => [
      await proxy("apache", apache(`ProxyPass / ${stack.info.API_URL}/`)),
      ...["--proxy", "apache"],
    ],
  },
  {
    name: "Apache that cuts the prefix off",
    ...{ expect: "path_lost", needs: "apache2" },
    make: async ({ stack, proxy }) => [
      await proxy(
        "apache",
        apache(`ProxyPass /realtime/v1/ ${stack.info.API_URL}/ upgrade=websocket
        ProxyPass / ${stack.info.API_URL}/`),
      ),
    ],
  },
];
