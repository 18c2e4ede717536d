import {
  apache,
  caddy,
  haproxy,
  hostOf,
  nginx,
  NGINX_UPGRADE,
} from "../../support/proxies/configurations.ts";
import type { Place } from "../../support/proxies/start.ts";
import { startUpstream } from "../../support/upstream.ts";
import { answering } from "./answering.ts";
import type { SetUp } from "./stage.ts";

const redirecting = (location: (url: URL) => string, headers: Record<string, string> = {}) =>
  answering((request) =>
    new Response(null, {
      status: 302,
      headers: { location: location(new URL(request.url)), ...headers },
    })
  );

/** An edge whose server behind it does not answer, in the words of its own pages. */
const cloudflare = (status: number, body: string) =>
  answering(() =>
    new Response(body, {
      status,
      headers: { server: "cloudflare", "cf-ray": "8f-AMS", "content-type": "text/plain" },
    })
  );

const login = { expect: "login_in_front", hop: "the front", says: /A login stands/ } as const;
const nothing = { hop: "what is behind the front" } as const;

/** What stands in front of Realtime, and is no gateway. */
export const FRONT_SET_UPS: SetUp[] = [
  {
    name: "Cloudflare Access before everything",
    ...{ ...login, paste: /Policy: action Bypass/ },
    make: redirecting(
      () => "https://team.example.com/cdn-cgi/access/login/app.example.com?kid=1&redirect_url=%2F",
      { server: "cloudflare", "cf-ray": "1-AMS" },
    ),
  },
  {
    name: "oauth2-proxy",
    ...{ ...login, paste: /skip_auth_routes = \[ "GET=\^\/realtime\/v1\/" \]/ },
    make: redirecting(({ origin }) => `${origin}/oauth2/start?rd=%2Frealtime%2Fv1%2Fwebsocket`),
  },
  {
    name: "oauth2-proxy, whose page stands at once",
    ...{ ...login, paste: /skip_auth_routes/ },
    make: answering(() =>
      new Response('<html><form action="/oauth2/start">Sign in</form></html>', {
        ...{ status: 403, headers: { "content-type": "text/html" } },
      })
    ),
  },
  {
    name: "Authelia",
    ...{ ...login, paste: /policy: bypass/ },
    make: redirecting(() => "https://auth.example.com/?rd=https%3A%2F%2Fapp.example.com%2F&rm=GET"),
  },
  {
    name: "authentik",
    ...{ ...login, paste: /\^\/realtime\/v1\/\.\*/ },
    make: redirecting(() =>
      "https://auth.example.com/outpost.goauthentik.io/start?rd=https%3A%2F%2Fapp.example.com"
    ),
  },
  {
    name: "Cloudflare Access before a relay",
    ...{ ...login, paste: /path \/functions\/v1\/relay\/\*/ },
    make: (stage) => [
      `${
        redirecting(() => "https://team.cloudflareaccess.com/cdn-cgi/access/login/x")(stage)[0]
      }/functions/v1/relay`,
    ],
  },
  {
    name: "a password before a relay",
    ...{ expect: "password_in_front", says: /a password of its own/ },
    make: (stage) => [
      `${
        answering(() =>
          new Response(null, { status: 401, headers: { "www-authenticate": "Basic" } })
        )(stage)[0]
      }/functions/v1/relay`,
    ],
  },
  {
    name: "Cloudflare before a relay that does not answer",
    ...{ expect: "origin_unreachable", ...nothing },
    make: (stage) => [`${cloudflare(522, "error code: 522")(stage)[0]}/functions/v1/relay`],
  },
  {
    name: "a login of somebody's own",
    ...login,
    make: redirecting(() => "/users/sign_in"),
  },
  {
    name: "oauth2-proxy that sends straight to its provider",
    ...{ ...login, paste: /skip_auth_routes/ },
    make: redirecting(() =>
      "https://id.example.com/authorize?client_id=a&redirect_uri=https%3A%2F%2Fapp%2Foauth2%2Fcallback"
    ),
  },
  {
    name: "a provider of OpenID Connect",
    ...login,
    make: redirecting(() => "https://id.example.com/realms/a/protocol/openid-connect/auth?x=1"),
  },
  {
    name: "Authelia that answers 401",
    ...{ ...login, paste: /policy: bypass/ },
    make: answering(() =>
      new Response('<a href="https://auth.example.com/?rd=x">401 Unauthorized</a>', {
        status: 401,
        headers: { location: "https://auth.example.com/?rd=x", "set-cookie": "authelia_session=x" },
      })
    ),
  },
  {
    name: "a page that wants a password, at once",
    ...login,
    make: answering(() =>
      new Response('<!doctype html><form><input name="p" type="password"></form>', {
        headers: { "content-type": "text/html" },
      })
    ),
  },
  {
    name: "two addresses of one host that redirect to each other",
    expect: "redirect_circle",
    make: redirecting(({ href, pathname }) =>
      pathname.endsWith("/") ? href.replace(/\/(?=$|\?)/, "") : href.replace(/(?=$|\?)/, "/")
    ),
  },
  {
    name: "a redirect to where it came from",
    ...{ expect: "redirect_circle", hop: "the front", says: /redirect to each other/ },
    paste: /Full \(strict\)/,
    make: redirecting(({ href }) => href, { server: "cloudflare" }),
  },
  {
    name: "the same without the query, in other words",
    expect: "redirect_circle",
    make: redirecting(({ pathname }) => pathname),
  },
  {
    name: "Traefik with a password",
    ...{ expect: "password_in_front", hop: "the front", paste: /No basicAuth/ },
    make: answering(() =>
      new Response("401 Unauthorized\n", {
        ...{ status: 401, headers: { "www-authenticate": 'Basic realm="traefik"' } },
      })
    ),
  },
  {
    name: "nginx with a password, below whose lines the socket opens",
    ...{ expect: "password_in_front", hop: "the front", needs: "nginx", paste: /auth_basic off;/ },
    make: async ({ stack, proxy }) => [
      await proxy("nginx", nginx(withPassword(stack.info.API_URL))),
      ...["--direct", stack.info.API_URL],
    ],
    mend: async ({ stack, proxy }, paste) => {
      const [http, server] = paste.join("\n").split("# in server { }");
      return [
        await proxy("nginx", nginx(`${server}${withPassword(stack.info.API_URL)}`, http)),
        "--quick",
      ];
    },
  },
  {
    name: "Caddy with a password, below whose lines the socket opens",
    ...{ expect: "password_in_front", hop: "the front", needs: "caddy", paste: /not path/ },
    make: async ({ stack, proxy }) => [
      await proxy("caddy", caddy(withUsers("basicauth", stack.info.API_URL))),
      ...["--proxy", "caddy"],
    ],
    mend: async ({ stack, proxy }, paste) => [
      ...[
        await proxy(
          "caddy",
          caddy(`${paste.join("\n")}\n${withUsers("basicauth @people", stack.info.API_URL)}`),
        ),
        "--quick",
      ],
    ],
  },
  {
    name: "HAProxy with a password, below whose lines the socket opens",
    ...{ expect: "password_in_front", hop: "the front", needs: "haproxy", paste: /allow if/ },
    make: async ({ stack, proxy }) => [
      await proxy("haproxy", withUserlist("", hostOf(stack.info.API_URL))),
      ...["--proxy", "haproxy"],
    ],
    mend: async ({ stack, proxy }, paste) => [
      await proxy("haproxy", withUserlist(paste.join("\n"), hostOf(stack.info.API_URL))),
      "--quick",
    ],
  },
  {
    name: "Apache with a password, below whose lines the socket opens",
    ...{ expect: "password_in_front", hop: "the front", needs: "apache2", paste: /granted/ },
    make: async ({ stack, proxy }) => [await proxy("apache", withValidUser(stack.info.API_URL))],
    mend: async ({ stack, proxy }, paste) => [
      await proxy("apache", withValidUser(stack.info.API_URL, paste.join("\n"))),
      "--quick",
    ],
  },
  {
    name: "the Envoy of the official compose, without a key",
    ...{ expect: "key_missing", says: /wants an API key/ },
    make: (stage) => [
      ...answering(() => new Response("Unauthorized", { status: 401 }), "/realtime/v1")(stage),
      ...["--key", ""],
    ],
  },
  {
    name: "an Envoy whose route knows no upgrade",
    ...{ expect: "upgrade_dropped", hop: "the front", paste: /upgrade_type: websocket/ },
    make: answering(() => new Response(null, { status: 403, headers: { server: "envoy" } })),
  },
  {
    name: "an Envoy that passes on what an old Realtime says",
    expect: "refused_403",
    make: answering(() =>
      new Response(null, {
        status: 403,
        headers: { server: "envoy", "x-envoy-upstream-service-time": "3" },
      })
    ),
  },
  {
    name: "a login at a host of its own",
    ...login,
    make: redirecting(() => "https://sso.example.com/?to=app"),
  },
  {
    name: "a redirect of the same path to a host that is called like a login",
    ...{ expect: "redirect", hop: "the front" },
    make: redirecting(({ pathname, search }) => `https://auth.example.com${pathname}${search}`),
  },
  {
    name: "Cloudflare whose server does not answer",
    ...{
      expect: "origin_unreachable",
      ...nothing,
      says: /The edge answers, and the server behind/,
    },
    make: cloudflare(522, "error code: 522"),
  },
  {
    name: "Cloudflare that cannot reach its server, in the words of 502",
    ...{ expect: "origin_unreachable", ...nothing },
    make: cloudflare(502, "error code: 502"),
  },
  {
    name: "Cloudflare whose server refuses",
    ...{ expect: "origin_unreachable", ...nothing },
    make: cloudflare(521, "error code: 521"),
  },
  {
    name: "Cloudflare that does not take the server's certificate",
    ...{ expect: "origin_tls", ...nothing, says: /certificate of the server behind it/ },
    make: cloudflare(526, "error code: 526"),
  },
  {
    name: "a tunnel of Cloudflare's that is down",
    ...{ expect: "tunnel_down", ...nothing, says: /tunnel to the server is down/ },
    make: cloudflare(530, "error code: 1033"),
  },
  {
    name: "a tunnel of ngrok's that is down",
    ...{ expect: "tunnel_down", ...nothing },
    make: answering(() =>
      new Response("The endpoint abc.ngrok-free.app is offline.", {
        ...{ status: 404, headers: { "ngrok-error-code": "ERR_NGROK_3200" } },
      })
    ),
  },
  {
    name: "the gateway of the command line with Realtime turned off",
    ...{ expect: "cli_realtime_off", paste: /\[realtime\]\nenabled = true/ },
    make: ({ after }) => {
      const server = serveAtCliPort();
      after(() => server.shutdown());
      return [`http://127.0.0.1:${server.addr.port}`];
    },
  },
  {
    name: "something in nginx that closes the relay's path to sockets",
    ...{ expect: "relay_shut", needs: "nginx" },
    make: async ({ stack, proxy }) => [
      await proxy(
        "nginx",
        nginx(`${NGINX_UPGRADE}
        location /functions/v1/relay/websocket { return 410; }
        location / { proxy_pass ${stack.info.API_URL}; }`),
      ),
    ],
  },
  {
    name: "a server that refuses in words of its own",
    expect: "refused_otherwise",
    make: (stage) => {
      const upstream = startUpstream({ refuse: () => new Response("teapot", { status: 418 }) });
      stage.after(upstream.stop);
      return [`${upstream.url}/realtime/v1`];
    },
  },
];

const withUserlist = (lines: string, to: string) => (place: Place) =>
  "userlist people\n  user somebody insecure-password x\n" +
  haproxy(`${lines}\n  http-request auth unless { http_auth(people) }`, to)(place);

const withValidUser = (to: string, lines = "") =>
  apache(`${
    ["auth_basic", "authn_core", "authn_file", "authz_user"]
      .map((it) => `LoadModule ${it}_module /usr/lib/apache2/modules/mod_${it}.so`).join("\n")
  }
  <Location "/">
    AuthType Basic
    AuthName staging
    AuthUserFile /dev/null
    Require valid-user
  </Location>
  ${lines}
  ProxyPass / ${to}/ upgrade=websocket`);

const withPassword = (to: string) => `
  location / {
    auth_basic "staging";
    auth_basic_user_file /dev/null;
    proxy_pass ${to};
  }`;

/** A hash of some password; nobody signs in here. */
const HASH = "$2a$14$Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT/5qqR7hx4IjWJPDhjvG";

/** `basicauth` until Caddy 2.8, and still taken after. */
const withUsers = (directive: string, to: string) =>
  `${directive} {\n  somebody ${HASH}\n}\nreverse_proxy ${hostOf(to)}`;

/** The command line's own port, or one of those that its other projects take. */
function serveAtCliPort() {
  for (let port = 54321; port < 54330; port++) {
    try {
      return Deno.serve({ port, hostname: "127.0.0.1", onListen() {} }, (request) => {
        const isAuth = request.url.includes("/auth/v1/health");
        const body = isAuth
          ? { name: "GoTrue", version: "v2", description: "GoTrue is a user registration" }
          : { message: "no Route matched with those values" };
        return Response.json(body, {
          status: isAuth ? 200 : 404,
          headers: { server: "kong/2.8.1" },
        });
      });
    } catch {
      // Taken by a stack of the command line.
    }
  }
  throw new Error("Ports 54321 to 54329 are all taken.");
}
