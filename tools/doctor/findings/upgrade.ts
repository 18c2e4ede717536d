import { SEED } from "../fixes/settings.ts";
import type { Rows } from "./finding.ts";

/** What can become of the upgrade on its way to Realtime. */
export const UPGRADE = {
  upgrade_dropped: [
    "failed",
    "A proxy drops the headers Upgrade and Connection, so Realtime sees a plain request.",
    "Let the proxy pass both headers, over HTTP/1.1.",
    { lines: "route" },
  ],
  handshake_dropped: [
    "failed",
    "A proxy drops headers of the handshake, Sec-WebSocket-Key or -Version, on the way to Realtime.",
    "Let the proxy pass all headers whose names begin with Sec-WebSocket-.",
    { lines: "route" },
  ],
  http_version: [
    "failed",
    "A proxy does not speak HTTP/1.1 to what is behind it, and so nothing can be upgraded.",
    "Make the proxy use HTTP/1.1 towards Realtime.",
    { lines: "route" },
  ],
  path_lost: [
    "failed",
    "A proxy cuts /realtime/v1, or a part of it, off the path before it asks the gateway.",
    "Pass the path on unchanged.",
    { lines: "route" },
  ],
  path_doubled: [
    "failed",
    "A proxy puts /realtime/v1 before a path that has it already.",
    "Pass the path on unchanged.",
    { lines: "route" },
  ],
  path_unmapped: [
    "failed",
    "A proxy passes /realtime/v1 to Realtime itself, which serves /socket.",
    "Lead the proxy to the gateway (Kong, port 8000), or map /realtime/v1/ to /socket/.",
    { lines: "route" },
  ],
  path_wrong: [
    "failed",
    "Nothing is served at the path of Realtime's socket.",
    "Route /realtime/v1/ to the gateway, and check the URL's path.",
    { lines: "route" },
  ],
  query_dropped: [
    "failed",
    "A proxy drops the query, and with it the API key.",
    "Pass the query on unchanged.",
    { lines: "route" },
  ],
  key_withheld: [
    "warning",
    "The page names another host, which did not get your key or token.",
    "Where that host is yours, let it have them by --ask with the host that is shown.",
  ],
  key_refused_by_gateway: [
    "failed",
    "The gateway does not know the API key.",
    "Use the key of this project; on self-host the gateway must be restarted after keys change.",
  ],
  key_forbidden: [
    "failed",
    "The gateway has a rule of its own that does not let this key in.",
    "Take a key of this project; on self-host add its consumer to the acl of the route's service.",
  ],
  key_not_swapped: [
    "failed",
    "Realtime got a publishable key as it is: no gateway in front knew it and made it a JWT.",
    "An older server knows no such keys: give its anon key (ANON_KEY), or update it and its gateway.",
  ],
  host_not_tenant: [
    "failed",
    "A proxy passes the outer Host on, and Realtime takes its first label for the tenant.",
    "Send requests through the gateway, or set Host to realtime-dev.localhost towards Realtime.",
    { lines: "host" },
  ],
  tenant_not_found: [
    "failed",
    "Realtime has no tenant by the first label of the Host that reaches it.",
    "Set SELF_HOST_TENANT_NAME to that label (not APP_NAME) and seed, or send a Host that fits.",
    { lines: "host", settings: SEED },
  ],
  tenant_disabled: [
    "failed",
    "Realtime is disabled for this tenant.",
    "Restore the project if it is paused; on self-host clear suspend in _realtime.tenants.",
  ],
  refused_403: [
    "failed",
    "Realtime answers 403 without a word, as versions before 2.116 do to any refusal.",
    "The key, the tenant or its secret is wrong: look again with --jwt-secret and --db.",
  ],
  accept_wrong: [
    "failed",
    "The 101 answer is not one that a browser takes.",
    "Something rewrites the handshake: pass its headers on unchanged.",
    { lines: "route" },
  ],
  subprotocol_dropped: [
    "failed",
    "The server picked none of the offered subprotocols, and a browser drops such a socket.",
    "Pass Sec-WebSocket-Protocol through in both directions.",
    { lines: "route" },
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
    { lines: "timeouts" },
  ],
  idle_short: [
    "warning",
    "A socket lives by its heartbeats alone: silence of a minute ends it.",
    "Raise the proxy's timeouts: browsers slow the heartbeats of a background tab down.",
    { lines: "timeouts" },
  ],
} as const satisfies Rows;
