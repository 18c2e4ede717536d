import type { Rows } from "./mod.ts";

/** What can become of the upgrade on its way to Realtime. */
export const UPGRADE = {
  redirect: [
    "failed",
    "The upgrade is redirected, and WebSockets do not follow redirects.",
    "Use the address that the redirect names, with wss:// for https, in every client.",
  ],
  upgrade_dropped: [
    "failed",
    "A proxy drops the headers Upgrade and Connection, so Realtime sees a plain request.",
    "Let the proxy pass both headers, over HTTP/1.1.",
  ],
  http_version: [
    "failed",
    "A proxy speaks HTTP/1.0 to what is behind it, which cannot upgrade.",
    "Make the proxy use HTTP/1.1 towards Realtime.",
  ],
  path_lost: [
    "failed",
    "A proxy cuts /realtime/v1 off the path before it asks the gateway.",
    "Pass the path on unchanged.",
  ],
  path_doubled: [
    "failed",
    "A proxy puts /realtime/v1 before a path that has it already.",
    "Pass the path on unchanged.",
  ],
  path_unmapped: [
    "failed",
    "A proxy passes /realtime/v1 to Realtime itself, which serves /socket.",
    "Lead the proxy to the gateway (Kong, port 8000), or map /realtime/v1/ to /socket/.",
  ],
  path_wrong: [
    "failed",
    "Nothing is served at the path of Realtime's socket.",
    "Route /realtime/v1/ to the gateway, and check the URL's path.",
  ],
  page_answered: [
    "failed",
    "A web page answers in place of Realtime.",
    "Route /realtime/v1/ to the gateway before the rule that serves the page for every path.",
  ],
  query_dropped: [
    "failed",
    "A proxy drops the query, and with it the API key.",
    "Pass the query on unchanged.",
  ],
  key_missing: [
    "failed",
    "The server wants an API key, and none was given.",
    "Give the project's publishable or anon key with --key.",
  ],
  key_refused_by_gateway: [
    "failed",
    "The gateway does not know the API key.",
    "Use the key of this project; on self-host the gateway must be restarted after keys change.",
  ],
  key_not_swapped: [
    "failed",
    "Realtime got a publishable key as it is: no gateway in front knew it and made it a JWT.",
    "Take the key of this project, through its gateway; Realtime itself takes the legacy anon key.",
  ],
  host_not_tenant: [
    "failed",
    "A proxy passes the outer Host on, and Realtime takes its first label for the tenant.",
    "Send requests through the gateway, or set Host to realtime-dev.localhost towards Realtime.",
  ],
  tenant_not_found: [
    "failed",
    "Realtime has no tenant by the first label of the Host that reaches it.",
    "Set SELF_HOST_TENANT_NAME to that label (not APP_NAME) and seed, or send a Host that fits.",
  ],
  tenant_disabled: [
    "failed",
    "Realtime is disabled for this tenant.",
    "Restore the project if it is paused; on self-host clear suspend in _realtime.tenants.",
  ],
  waf: [
    "failed",
    "A firewall in front refuses the upgrade; the request never reaches Realtime.",
    "Let GET /realtime/v1/websocket with Upgrade through: no challenge, no bot rule on that path.",
  ],
  refused_403: [
    "failed",
    "Realtime answers 403 without a word, as versions before 2.116 do to any refusal.",
    "The key, the tenant or its secret is wrong: look again with --jwt-secret and --db.",
  ],
  gateway_unreachable: [
    "failed",
    "The proxy cannot reach what is behind it.",
    "Start the service behind, and correct the address that the proxy has for it.",
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
  ],
  accept_wrong: [
    "failed",
    "The 101 answer is not one that a browser takes.",
    "Something rewrites the handshake: pass its headers on unchanged.",
  ],
  subprotocol_dropped: [
    "failed",
    "The server picked none of the offered subprotocols, and a browser drops such a socket.",
    "Pass Sec-WebSocket-Protocol through in both directions.",
  ],
  header_too_long: [
    "failed",
    "The upgrade's URL or one of its headers is longer than the server reads.",
    "Realtime reads 4,096 bytes of a header: keep cookies off this host, and tokens small.",
  ],
  too_many: [
    "failed",
    "The server refuses because there are too many connections or attempts.",
    "Close sockets that are not needed, or raise max_concurrent_users of the tenant.",
  ],
  server_error: [
    "failed",
    "The server fails while it answers the upgrade.",
    "Look into the log of the hop that is named.",
  ],
  refused_otherwise: [
    "failed",
    "The upgrade is refused.",
    "The answer is shown above: take the login or the rule of that hop off /realtime/v1/.",
  ],
  idle_cut: [
    "failed",
    "A proxy cuts the socket while it is idle, sooner than the next heartbeat comes.",
    "Raise the proxy's read and tunnel timeouts; realtime-js sends a heartbeat every 25 s.",
  ],
  idle_short: [
    "warning",
    "A socket lives by its heartbeats alone: silence of a minute ends it.",
    "Raise the proxy's timeouts: browsers slow the heartbeats of a background tab down.",
  ],
} as const satisfies Rows;
