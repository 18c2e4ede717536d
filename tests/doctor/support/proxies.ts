import { ownPort } from "../../support/proxies/ports.ts";
import {
  apache,
  caddy,
  haproxy,
  hostOf,
  nginx,
  NGINX_UPGRADE,
} from "../../support/proxies/configurations.ts";
import type { SetUp } from "./stage.ts";

/** A server that refuses HTTP/1.0 in these words, and everything else. */
function serveStrict(words: string) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const run = (async () => {
    for await (const connection of listener) {
      const head = new Uint8Array(16_384);
      const size = await connection.read(head).catch(() => null) ?? 0;
      const isOld = new TextDecoder().decode(head.subarray(0, size)).includes("HTTP/1.0\r\n");
      const [status, body] = isOld ? ["400 Bad Request", words] : ["404 Not Found", ""];
      const answer = `HTTP/1.1 ${status}\r\ncontent-length: ${body.length}\r\nconnection: close`;
      await connection.write(new TextEncoder().encode(`${answer}\r\n\r\n${body}`)).catch(() => {});
      connection.close();
    }
  })();
  const stop = async () => {
    listener.close();
    await run;
  };
  return { port: listener.addr.port, stop };
}

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
    name: "a gateway behind the front that drops the headers",
    ...{ expect: "upgrade_dropped", hop: "the gateway", needs: "nginx" },
    make: async ({ stack, proxy }) => {
      const { API_URL, PUBLISHABLE_KEY } = stack.info;
      const gateway = await proxy("nginx", nginx(`location / { proxy_pass ${API_URL}; }`));
      const front = nginx(`${NGINX_UPGRADE} location / { proxy_pass ${gateway}; }`);
      return [
        ...[await proxy("nginx", front), "--direct", gateway, "--realtime", stack.realtime.url],
        ...["--key", PUBLISHABLE_KEY],
      ];
    },
  },
  {
    name: "nginx that speaks HTTP/1.0 to a server that cares",
    ...{ expect: "http_version", needs: "nginx", paste: /proxy_http_version 1\.1/ },
    make: async ({ proxy, after }) => {
      // What the WebSocket adapter of Realtime answers.
      const { port, stop } = serveStrict("HTTP version HTTP/1.0 unsupported");
      after(stop);
      return [
        `${await proxy(
          "nginx",
          nginx(`proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection "upgrade";
          location / { proxy_pass http://127.0.0.1:${port}; }`),
        )}/realtime/v1`,
      ];
    },
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
    name:
      "nginx whose location and proxy_pass end with a slash, so that half of the prefix is lost",
    ...{ expect: "path_lost", needs: "nginx", paste: /no path and no slash/ },
    make: async ({ stack, proxy }) => [
      await proxy(
        "nginx",
        nginx(`${NGINX_UPGRADE}
        location /realtime/ { proxy_pass ${stack.info.API_URL}/; }
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
    name: "nginx that asks for a password of its own",
    ...{ expect: "password_in_front", hop: "the front", needs: "nginx", paste: /auth_basic off/ },
    make: async ({ stack, proxy }) => [
      await proxy(
        "nginx",
        nginx(`${NGINX_UPGRADE}
        auth_basic "staging";
        auth_basic_user_file /dev/null;
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
      await proxy("caddy", caddy(`reverse_proxy 127.0.0.1:${ownPort()}`)),
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
      await proxy("haproxy", haproxy("", `127.0.0.1:${ownPort()}`)),
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
    name: "Apache that reads shorter request lines than one with a key",
    ...{ expect: "header_too_long", hop: "the front", needs: "apache2" },
    make: async ({ stack, proxy }) => [
      await proxy(
        "apache",
        apache(`LimitRequestLine 100
        ProxyPass / ${stack.info.API_URL}/ upgrade=websocket`),
      ),
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
