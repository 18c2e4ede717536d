import type { Rows } from "./finding.ts";

/** What stands in front of Realtime and answers in its place, or not at all. */
export const FRONT = {
  redirect: [
    "failed",
    "The upgrade is redirected, and WebSockets do not follow redirects.",
    "Use the address that the redirect names, with wss:// for https, in every client.",
    { explains: ["relay_missing"] },
  ],
  redirect_circle: [
    "failed",
    "The upgrade is redirected to where it came from: two hops redirect to each other.",
    "Let the edge speak https to the server behind it: there SSL/TLS mode Full (strict), not Flexible.",
    {
      explains: ["relay_missing"],
      settings: `# Cloudflare: SSL/TLS > Overview > Full (strict)
# a proxy that ends TLS says so to what is behind it: X-Forwarded-Proto: https`,
    },
  ],
  login_in_front: [
    "failed",
    "A login stands before this path, and a socket cannot sign in.",
    "Let this path through without a login: the key and the token are what it is guarded by.",
    { explains: ["relay_missing", "relay_verify_jwt"] },
  ],
  password_in_front: [
    "failed",
    "A hop wants a password of its own (HTTP basic authentication), which a socket cannot give.",
    "Take the password off this path: the key and the token are what it is guarded by.",
    { explains: ["relay_missing", "relay_verify_jwt"], lines: "password" },
  ],
  network_login: [
    "failed",
    "The network of this machine wants a sign-in first, and answers in the server's place.",
    "Open any page by http:// in a browser here and sign in, or ask from another network.",
    { explains: ["relay_missing"] },
  ],
  origin_unreachable: [
    "failed",
    "The edge answers, and the server behind it does not.",
    "Start that server, let the edge's addresses through its firewall, and check the DNS record.",
    { explains: ["relay_missing"] },
  ],
  origin_tls: [
    "failed",
    "The edge does not take the certificate of the server behind it.",
    "Give that server a certificate that is valid for this name, or one of the edge's own authority.",
    { explains: ["relay_missing"] },
  ],
  host_unknown: [
    "failed",
    "What answers serves the names that it was told of, and this is none of them.",
    "Add the name to the project or site there, to a development server's allowed hosts (Vite: server.allowedHosts), or let its DNS record lead elsewhere. A proxy in front sends the name of what it asks (nginx: proxy_set_header Host; Caddy: header_up Host {upstream_hostport}).",
    { explains: ["relay_missing"] },
  ],
  https_wanted: [
    "failed",
    "The port speaks https, and was asked by http.",
    "Write https:// (wss:// for the socket), here and in every client.",
    { explains: ["relay_missing"] },
  ],
  https_wanted_behind: [
    "failed",
    "A proxy asks a port by http that speaks https.",
    "Let that proxy speak https to what is behind it, or lead it to a port that speaks http.",
    {
      explains: ["relay_missing"],
      settings:
        `# nginx: proxy_pass https://…   Caddy: reverse_proxy https://…   Kong: url: https://…
# Cloudflare: SSL/TLS > Overview > Full (strict)`,
    },
  ],
  https_demanded: [
    "failed",
    "A server takes what comes by https alone, and this came to it by http.",
    "Write https:// (wss:// for the socket) in every client; where a proxy ends TLS before it, let that say so, or let the server take http from it.",
    {
      explains: ["relay_missing"],
      settings: `# nginx: proxy_set_header X-Forwarded-Proto https;
# Kong, which hears that from KONG_TRUSTED_IPS alone; else in the route of kong.yml: protocols: [http, https]`,
    },
  ],
  rewrite_drops_upgrade: [
    "failed",
    "A hosting platform's rewrite leads to Realtime, and passes no upgrade on.",
    "Let clients open the socket at the project's own address (createClient), or at the relay's.",
    { explains: ["relay_missing"] },
  ],
  rate_limited: [
    "failed",
    "A hop in front of Realtime answers no more than so many requests in a time.",
    "Take this path out of that hop's rate limit, or raise it: many clients may share one address.",
    { explains: ["relay_missing"] },
  ],
  over_quota: [
    "failed",
    "The platform has shut the project: it is over its quota, or a bill is open.",
    "Look at usage and invoices of the organisation that it belongs to; the answer says which.",
    { explains: ["relay_missing"] },
  ],
  project_paused: [
    "failed",
    "The hosted project is paused, and the platform answers for it.",
    "Restore it in the dashboard; free projects are paused after a week that nobody used them.",
    { explains: ["relay_missing"] },
  ],
  tunnel_down: [
    "failed",
    "The tunnel to the server is down: nobody is at its other end.",
    "Start the tunnel's client on the server (cloudflared, ngrok), and see that it starts by itself.",
    { explains: ["relay_missing"] },
  ],
  waf: [
    "failed",
    "A firewall in front refuses the upgrade; the request never reaches Realtime.",
    "Let GET /realtime/v1/websocket with Upgrade through: no challenge, no bot rule on that path.",
    { explains: ["relay_missing", "relay_verify_jwt"], lines: "firewall" },
  ],
  gateway_unreachable: [
    "failed",
    "The proxy cannot reach what is behind it.",
    "Start the service behind, and correct the address that the proxy has for it.",
    { explains: ["relay_missing"], lines: "route" },
  ],
  shut_by_proxy: [
    "failed",
    "The proxy says 503 by itself, and has asked nobody.",
    "nginx: take this path out of limit_req and limit_conn, or end the maintenance; an ingress of Kubernetes: see that its service has a ready pod. Kong: request-termination.",
    { explains: ["relay_missing"] },
  ],
  closed_unanswered: [
    "failed",
    "The connection is closed without an answer.",
    "Look into the server's log: it crashed, or a firewall cut the connection.",
  ],
  unanswered: [
    "failed",
    "No answer comes to the upgrade.",
    "Turn off request buffering for this path, and check that the service behind runs.",
    { lines: "route" },
  ],
  page_answered: [
    "failed",
    "A web page answers in place of Realtime.",
    "Route /realtime/v1/ to the gateway before the rule that serves the page for every path.",
    { lines: "route" },
  ],
  cli_realtime_off: [
    "failed",
    "The local gateway of the Supabase CLI has no route to Realtime.",
    "Turn Realtime on in supabase/config.toml, then supabase stop and supabase start.",
    { settings: `# supabase/config.toml\n[realtime]\nenabled = true` },
  ],
} as const satisfies Rows;
