import { type Certificate, makeCertificate } from "../../support/proxies/certificate.ts";
import { caddy, hostOf, nginx } from "../../support/proxies/configurations.ts";
import { answering } from "./answering.ts";
import type { SetUp, Stage } from "./stage.ts";

/** A certificate in a folder that is removed afterwards. */
async function certificateFor({ after }: Stage): Promise<Certificate> {
  const directory = await Deno.makeTempDir({ prefix: "realtime-relay-tls-" });
  after(() => Deno.remove(directory, { recursive: true }));
  return await makeCertificate(directory);
}

/** Servers and edges that answer before anything is routed. */
export const EDGE_SET_UPS: SetUp[] = [
  {
    name: "nginx that speaks https, asked by http",
    ...{ expect: "https_wanted", needs: "openssl", says: /speaks https/ },
    make: async (stage) => {
      const { cert, key } = await certificateFor(stage);
      const url = await stage.proxy(
        "nginx",
        (place) =>
          nginx(`ssl_certificate ${cert}; ssl_certificate_key ${key}; location / { return 404; }`)(
            place,
          ).replace(/listen \S+(?=;)/, "$& ssl"),
      );
      return [url];
    },
  },
  {
    name: "a server that speaks TLS and nothing else, asked by http",
    ...{ expect: "https_wanted", needs: "openssl" },
    make: async (stage) => {
      const { cert, key } = await certificateFor(stage);
      const read = (file: string) => Deno.readTextFileSync(file);
      const server = Deno.serve(
        { port: 0, hostname: "127.0.0.1", cert: read(cert), key: read(key), onListen() {} },
        () => new Response(),
      );
      stage.after(() => server.shutdown());
      return [`http://127.0.0.1:${server.addr.port}`];
    },
  },
  {
    name: "Caddy that has no route for the path, and says nothing",
    ...{ expect: "path_wrong", hop: "the front", needs: "caddy", paste: /handle \/realtime/ },
    make: async ({ stack, proxy }) => [
      await proxy(
        "caddy",
        caddy(`handle /rest/* {\n  reverse_proxy ${hostOf(stack.info.API_URL)}\n}`),
      ),
    ],
  },
  {
    name: "nginx that reads shorter headers than it got, in words of its own",
    ...{ expect: "header_too_long", needs: "nginx" },
    make: async ({ stack, proxy }) => [
      await proxy(
        "nginx",
        nginx(`large_client_header_buffers 2 1k;
        location / { proxy_pass ${stack.info.API_URL}; }`),
      ),
      ...["--origin", `capacitor://${"a".repeat(1_500)}`],
    ],
  },
  {
    name: "Azure that signs people in, as it says beside a 401",
    ...{ expect: "login_in_front", hop: "the front", says: /A login stands/ },
    make: answering(() =>
      new Response("You do not have permission to view this directory or page.", {
        status: 401,
        headers: {
          "www-authenticate":
            'Bearer realm="x" authorization_uri="https://login.windows.net/t/oauth2/authorize"',
        },
      })
    ),
  },
  {
    name: "Google's proxy that signs people in, by whose refusals nobody is sent anywhere",
    ...{ expect: "login_in_front", hop: "the front", never: /upgrade is refused/ },
    make: answering(() =>
      new Response("Invalid IAP credentials: empty token", {
        status: 401,
        headers: { "x-goog-iap-generated-response": "true", "content-type": "text/html" },
      })
    ),
  },
  {
    name: "a network that wants a sign-in before it lets anything out",
    ...{ expect: "network_login", hop: "this network", never: /log of the hop|the front/ },
    says: /^It breaks at this network\./,
    make: answering(() =>
      new Response('<meta http-equiv="refresh" content="0; url=https://login.example.net/">', {
        status: 511,
        headers: { "content-type": "text/html" },
      })
    ),
  },
  ...([
    [426, '{"message":"Please use HTTPS protocol"}', {
      ...{ server: "kong/3.9.1", connection: "Upgrade", upgrade: "TLS/1.2, HTTP/1.1" },
    }],
    [403, "<h2>403.4 - Forbidden: SSL is required to view this resource.</h2>", {
      ...{ server: "Microsoft-IIS/10.0", "content-type": "text/html" },
    }],
  ] as const).map(([status, body, headers]): SetUp => ({
    name: `a server that answers what came by https alone: ${body}`,
    ...{ expect: "https_demanded", hop: "the front", never: /drops the headers|firewall/ },
    make: answering(() => new Response(body, { status, headers: { ...headers } })),
  })),
  ...([
    [403, "<h1>Error 403 - This web app is stopped.</h1>", { "content-type": "text/html" }],
    [503, "<title>Service Suspended</title>", {
      ...{ "x-render-routing": "suspend-by-user", "content-type": "text/html" },
    }],
    [544, '{"message":"Project API gateway timeout"}', { server: "cloudflare" }],
  ] as const).map(([status, body, headers]): SetUp => ({
    name: `an edge whose server was stopped, or does not answer: ${body}`,
    ...{
      expect: "origin_unreachable",
      hop: "what is behind the front",
      never: /firewall in front/,
    },
    make: answering(() => new Response(body, { status, headers: { ...headers } })),
  })),
  ...["Vercel", "Netlify"].map((server): SetUp => ({
    name: `a rewrite of ${server}'s to a hosted project`,
    ...{ expect: "rewrite_drops_upgrade", hop: "the front", never: /# cloudflare|--proxy nginx/ },
    make: answering(() =>
      new Response("'connection' header must contain 'upgrade', got: []", {
        ...{ status: 400, headers: { server, "cf-ray": "1-FRA" } },
      })
    ),
  })),
  {
    name: "nginx before a hosted project, whose edge leaves its mark on what comes back",
    ...{ expect: "upgrade_dropped", hop: "the front", needs: "nginx" },
    ...{ paste: /^# nginx/, never: /# cloudflare/ },
    make: async (stage) => {
      const [hosted] = answering(() =>
        new Response("'connection' header must contain 'upgrade', got: []", {
          ...{ status: 400, headers: { server: "cloudflare", "cf-ray": "1-FRA" } },
        })
      )(stage);
      return [await stage.proxy("nginx", nginx(`location / { proxy_pass ${hosted}; }`))];
    },
  },
  {
    name: "nginx that asks a hosted project's edge by its own name",
    ...{ expect: "host_unknown", hop: "what is behind the front", needs: "nginx" },
    says: /^It breaks behind the front/,
    make: async (stage) => {
      const [hosted] = answering(() =>
        new Response("error code: 1000", {
          ...{ status: 403, headers: { server: "cloudflare", "cf-ray": "1-FRA" } },
        })
      )(stage);
      return [await stage.proxy("nginx", nginx(`location / { proxy_pass ${hosted}; }`))];
    },
  },
  {
    name: "a gateway of AWS's that has no route for the path",
    ...{ expect: "path_wrong", hop: "the front", never: /firewall/ },
    make: answering(() =>
      Response.json({ message: "Missing Authentication Token" }, {
        ...{ status: 403, headers: { "x-amzn-errortype": "MissingAuthenticationTokenException" } },
      })
    ),
  },
  {
    name: "a forward proxy that wants a password",
    expect: "password_in_front",
    make: answering(() =>
      new Response("<html>", { status: 407, headers: { "proxy-authenticate": "Basic realm=x" } })
    ),
  },
  {
    name: "an edge of hosted projects that shut one which is over its quota",
    ...{ expect: "over_quota", hop: "the front", never: /login|rule of that hop/ },
    make: answering(() =>
      Response.json({ message: "Service for this project is restricted: exceed_egress_quota" }, {
        status: 402,
      })
    ),
  },
  ...([
    ['{"message":"API rate limit exceeded"}', "kong/3.9.1"],
    ["error code: 1015", "cloudflare"],
  ] as const).map(([body, server]): SetUp => ({
    name: `a rate limit of a hop before Realtime: ${server}`,
    ...{ expect: "rate_limited", hop: "the front", never: /max_concurrent_users/ },
    make: answering(() => new Response(body, { status: 429, headers: { server } })),
  })),
  {
    name: "a balancer of AWS that speaks HTTP/2 to what is behind it",
    ...{ expect: "http_version", hop: "the front", says: /does not speak HTTP\/1\.1/ },
    make: answering(() => new Response(null, { status: 464, headers: { server: "awselb/2.0" } })),
  },
  {
    name: "a server that was not told of the name it is asked by",
    ...{ expect: "host_unknown", hop: "the front" },
    make: answering(() => new Response(null, { status: 421 })),
  },
  {
    name: "a challenge of Cloudflare's by the status of a server that is down",
    ...{ expect: "waf", hop: "the front", never: /server behind it does not/ },
    make: answering(() =>
      new Response("<title>Just a moment...</title> by cloudflare", {
        status: 503,
        headers: { server: "cloudflare", "cf-mitigated": "challenge", "content-type": "text/html" },
      })
    ),
  },
  ...[
    ["ok", "text/plain"],
    ['{"ok":true}', "application/json"],
    ['{"status":"ok","version":"1.4.2"}', "application/json"],
  ].map(([body, type]): SetUp => ({
    name: `a server that says yes to whatever it is asked: ${body}`,
    ...{ expect: "path_wrong", hop: "the front", never: /upgrade is refused|is a relay/ },
    make: answering(() => new Response(body, { headers: { "content-type": type } })),
  })),
  {
    name: "a site that redirects what it does not know to a page of its own",
    ...{ expect: "page_answered", hop: "the front", never: /that the redirect names/ },
    make: answering(({ url }) =>
      new URL(url).pathname === "/en"
        ? new Response("<!doctype html>", { headers: { "content-type": "text/html" } })
        : new Response(null, { status: 307, headers: { location: "/en" } })
    ),
  },
  ...[
    ...["Jwt is missing", "Jwt verification fails"],
    "Jwks doesn't have key to match kid or alg from Jwt",
    "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections",
    "Audiences in Jwt are not allowed",
  ].map((body): SetUp => ({
    name: `an Envoy that wants a JWT of its own: ${body}`,
    ...{ expect: "key_refused_by_gateway", hop: "the front" },
    make: answering(() => new Response(body, { status: 401, headers: { server: "envoy" } })),
  })),
  ...([
    [409, "error code: 1001", { server: "cloudflare" }],
    [403, "error code: 1003", { server: "cloudflare" }],
    [404, "The deployment could not be found on Vercel.", {
      "x-vercel-error": "DEPLOYMENT_NOT_FOUND",
    }],
    [404, "<title>No such app</title>", { server: "Heroku", "content-type": "text/html" }],
    [500, "Fastly error: unknown domain: example.com.", {}],
    [404, '{"status":"error","code":404,"message":"Application not found","request_id":"x"}', {
      "content-type": "application/json",
    }],
    [404, "Not Found - Request ID: 01JD", { server: "Netlify" }],
    [404, "Not Found\n", { "x-render-routing": "no-server" }],
    [404, "<h1>404 Web Site not found.</h1>", { "content-type": "text/html" }],
    [
      404,
      "<h1>Error 404 - This Container App is stopped or does not exist.</h1>",
      { "content-type": "text/html" },
    ],
    [
      404,
      "<h2>Oops! We weren't able to find your Azure Front Door Service configuration.</h2>",
      { "content-type": "text/html" },
    ],
    [
      403,
      '<span class="cf-error-type">Error</span> <span class="cf-error-code">1014</span>',
      { server: "cloudflare", "content-type": "text/html" },
    ],
    [403, 'Blocked request. This host ("a.example.com") is not allowed.', {
      "content-type": "text/html",
    }],
    [403, "Invalid Host header", { "content-type": "text/html" }],
    [403, "<h1>Blocked hosts: a.example.com</h1>", { "content-type": "text/html" }],
  ] as const).map(([status, body, headers]): SetUp => ({
    name: `a server that knows no such host: ${body}`,
    ...{ expect: "host_unknown", hop: "the front", never: /firewall|Route \/realtime/ },
    make: answering(() => new Response(body, { status, headers: { ...headers } })),
  })),
  ...[401, 403].map((status): SetUp => ({
    name: `a site that asks for its password on a page, by ${status}`,
    ...{ expect: "login_in_front", hop: "the front", never: /firewall/ },
    make: answering(() =>
      new Response('<!doctype html><form><input type="password" name="p"></form>', {
        ...{ status, headers: { "content-type": "text/html" } },
      })
    ),
  })),
  {
    name: "nginx that lets nobody in who asks too often",
    ...{ expect: "shut_by_proxy", hop: "the front", needs: "nginx", never: /Start the service/ },
    make: async ({ stack, proxy }) => [
      await proxy(
        "nginx",
        nginx(
          `location / { limit_req zone=all; proxy_pass ${stack.info.API_URL}; }`,
          "limit_req_zone $binary_remote_addr zone=all:1m rate=1r/m;",
        ),
      ),
    ],
  },
  {
    name: "a Kong that was told to say no, behind an edge",
    ...{ expect: "shut_by_proxy", hop: "what is behind the front", never: /Start the service/ },
    make: answering(() =>
      Response.json({ message: "Service unavailable", request_id: "a1" }, {
        ...{ status: 503, headers: { server: "cloudflare" } },
      })
    ),
  },
];
