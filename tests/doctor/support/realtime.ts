import { signToken } from "../../../tools/stack/keys.ts";
import { unsigned } from "../../support/tokens.ts";
import { type Script, startUpstream } from "../../support/upstream.ts";
import { ACCEPT } from "../../../tools/doctor/ask/raw_http.ts";
import { agree } from "./agree.ts";
import { serveBytes } from "./bytes.ts";
import { compressing } from "./compressed.ts";
import { caddy, nginx, NGINX_UPGRADE } from "../../support/proxies/configurations.ts";
import type { SetUp, Stage } from "./stage.ts";

const HOUR = 3600;

/** nginx in front of Realtime itself, as a gateway that names this Host. */
const bare = (host: string) => ({ proxy, stack }: Stage) =>
  proxy(
    "nginx",
    nginx(`${NGINX_UPGRADE}
    proxy_set_header Host ${host};
    location /realtime/v1/ { proxy_pass ${stack.realtime.url}/socket/; }
    location / { proxy_pass ${stack.info.API_URL}; }`),
  );

/** A Realtime that answers as the real one does not on command. */
function scripted({ after }: Stage, script: Script): string {
  const upstream = startUpstream(script);
  after(upstream.stop);
  return `${upstream.url}/realtime/v1`;
}

/** Answers whatever comes with these bytes. */
function raw({ after }: Stage, answer: string): string {
  const { url, stop } = serveBytes(answer);
  after(stop);
  return `${url}/realtime/v1`;
}

/** Says yes to joins, and sends broadcasts back or does not; of changes it says nothing. */
function echo(socket: WebSocket, broadcasts: boolean): void {
  socket.onmessage = ({ data }) => {
    const { topic, event, ref } = JSON.parse(data);
    const payload = { status: "ok", response: {} };
    const reply = { topic, event: "phx_reply", ref, payload };
    if (event !== "broadcast") socket.send(JSON.stringify(reply));
    else if (broadcasts) socket.send(JSON.stringify({ topic, event, payload }));
  };
}

/** Says no to joins. */
function refuse(socket: WebSocket, reason: string): void {
  socket.onmessage = ({ data }) => {
    const { topic, ref } = JSON.parse(data);
    const payload = { status: "error", response: { reason } };
    socket.send(JSON.stringify({ topic, event: "phx_reply", ref, payload }));
  };
}

/** Lets into public channels, and says so, or nothing, to private ones. */
function privately(socket: WebSocket, reason?: string): void {
  agree(socket);
  const say = socket.onmessage!;
  socket.onmessage = (event) => {
    const { topic, ref, payload } = JSON.parse(event.data);
    if (!payload.config?.private) return say.call(socket, event);
    const refusal = { status: "error", response: { reason } };
    if (reason) socket.send(JSON.stringify({ topic, event: "phx_reply", ref, payload: refusal }));
  };
}

const signed = ({ stack }: Stage, claims: Record<string, unknown>, seconds = HOUR, secret = "") =>
  signToken(secret || stack.info.JWT_SECRET, claims, seconds);

/** What Realtime says no to, now and before 2.116, and what it says nothing to. */
export const REALTIME_SET_UPS: SetUp[] = [
  {
    name: "a gateway that names a tenant which is not there",
    ...{ expect: "tenant_not_found", hop: "Realtime", needs: "nginx" },
    make: async (stage) => [await bare("somebody-else.localhost")(stage)],
  },
  {
    name: "a gateway that does not turn publishable keys into JWTs",
    ...{ expect: "key_not_swapped", needs: "nginx" },
    make: async (stage) => [
      await bare("realtime-dev.localhost")(stage),
      ...["--key", stage.stack.info.PUBLISHABLE_KEY],
    ],
  },
  {
    name: "no key at all",
    expect: "key_missing",
    make: ({ stack }) => [stack.info.API_URL, "--key", ""],
  },
  {
    name: "a Kong that does not know the key",
    ...{ expect: "key_refused_by_gateway", hop: "the front" },
    make: (stage) => [
      scripted(stage, {
        refuse: () =>
          Response.json({ message: "Invalid authentication credentials" }, {
            status: 401,
            headers: { server: "kong/2.8.1" },
          }),
      }),
    ],
  },
  {
    name: "a URL with a path before Realtime's own",
    ...{ expect: "path_wrong", hop: "the front" },
    make: ({ stack }) => [`${stack.info.API_URL}/supabase/realtime/v1`],
  },
  {
    name: "a server that reads shorter headers than it got",
    expect: "header_too_long",
    make: (stage) => [scripted(stage, { refuse: () => new Response(null, { status: 431 }) })],
  },
  {
    name: "a Realtime that lets into no channel",
    expect: "join_refused",
    make: (stage) => [
      scripted(stage, {
        onSocket: (it) => refuse(it, "UnableToSetTenant: something of its own"),
      }),
    ],
  },
  ...[
    "IncreaseConnectionPool: Please increase your connection pool size",
    "ClientJoinRateLimitReached: Too many joins per second",
    "ChannelRateLimitReached: Too many channels",
  ].map((reason): SetUp => ({
    name: `a Realtime that says ${reason.split(":")[0]}`,
    ...{ expect: "join_limited", never: /select policy/ },
    make: (stage) => [
      ...[scripted(stage, { onSocket: (it) => refuse(it, reason) }), "--topic", "room"],
    ],
  })),
  {
    name: "a token that is good by the secret, and that Realtime refuses",
    ...{ expect: "realtime_refuses_token", says: /^It breaks at the keys\./ },
    make: async (stage) => [
      scripted(stage, {
        onSocket: (it) => refuse(it, "JwtSignerError: Failed to generate JWT signer"),
      }),
      ...["--jwt-secret", stage.stack.info.JWT_SECRET],
      ...[
        "--token",
        await signed(stage, { role: "authenticated", aud: "authenticated", sub: "x" }),
      ],
    ],
  },
  {
    name: "a token that nobody can judge here, and that Realtime refuses",
    expect: "token_signature",
    make: async (stage) => [
      scripted(stage, {
        onSocket: (it) => refuse(it, "JwtSignatureError: Failed to validate JWT signature"),
      }),
      ...["--token", await signed(stage, { role: "authenticated", aud: "authenticated" })],
    ],
  },
  ...[
    "DatabaseConnectionIssue: Realtime was unable to connect to the project database",
    "InitializingProjectConnection: Realtime is initializing the project connection",
    "UnableToConnectToProject: Realtime was unable to connect to the project database",
    "DatabaseLackOfConnections: Database can't accept more connections, Realtime won't connect",
  ].map((reason): SetUp => ({
    name: `a Realtime that says ${reason.split(":")[0]}`,
    ...{ expect: "database_unreached", never: /expired|select policy/ },
    make: (stage) => [
      ...[scripted(stage, { onSocket: (it) => refuse(it, reason) }), "--topic", "room"],
    ],
  })),
  {
    name: "a private channel alone that there are too many joins for",
    ...{ expect: "join_limited", never: /select policy/ },
    make: (stage) => [
      scripted(stage, {
        onSocket: (it) => privately(it, "IncreaseConnectionPool: Please increase it"),
      }),
      ...["--topic", "room"],
    ],
  },
  {
    name: "a private channel alone for which the database cannot be asked",
    ...{ expect: "database_unreached", never: /select policy/ },
    make: (stage) => [
      scripted(stage, {
        onSocket: (it) => privately(it, "DatabaseConnectionIssue: It was unable to connect"),
      }),
      ...["--topic", "room"],
    ],
  },
  {
    name: "a private channel for which there is no partition",
    ...{ expect: "partition_missing", never: /select policy/ },
    make: (stage) => [
      scripted(stage, {
        onSocket: (it) =>
          privately(
            it,
            "MissingPartition: Realtime was unable to find the expected messages partition",
          ),
      }),
      ...["--topic", "room"],
    ],
  },
  {
    name: "a private channel alone for which the database is not reached, without a code",
    ...{ expect: "database_unreached", never: /select policy/ },
    make: (stage) => [
      scripted(stage, {
        onSocket: (it) => privately(it, "Realtime was unable to connect to the project database"),
      }),
      ...["--topic", "room"],
    ],
  },
  ...["QueryCanceled: canceling statement due to statement timeout", "Unknown Error on Channel"]
    .map((reason): SetUp => ({
      name: `a private channel alone that says ${reason.split(":")[0]}`,
      ...{ expect: "private_failed", never: /select policy/ },
      make: (stage) => [
        ...[scripted(stage, { onSocket: (it) => privately(it, reason) }), "--topic", "room"],
      ],
    })),
  {
    name: "a private channel whose join is not answered",
    expect: "private_silent",
    make: (stage) => [
      scripted(stage, { onSocket: (it) => privately(it) }),
      ...["--topic", "room", "--wait", "1"],
    ],
  },
  {
    name: "a key of another secret",
    expect: "key_signature",
    make: async (stage) => [
      stage.stack.info.API_URL,
      ...["--jwt-secret", stage.stack.info.JWT_SECRET],
      ...["--key", await signed(stage, { role: "anon" }, HOUR, "another secret of 32 characters")],
    ],
  },
  {
    name: "a key that fits the secret given here, at a Realtime that holds another",
    expect: "server_secret_differs",
    make: async (stage) => [
      stage.stack.info.API_URL,
      ...["--jwt-secret", "another secret of 32 characters"],
      ...["--key", await signed(stage, { role: "anon" }, HOUR, "another secret of 32 characters")],
    ],
  },
  {
    name: "an expired key",
    expect: "key_expired",
    make: async (stage) => [
      stage.stack.info.API_URL,
      ...["--key", await signed(stage, { role: "anon" }, -60)],
    ],
  },
  {
    name: "a key that was cut while it was copied",
    expect: "key_malformed",
    make: ({ stack, key }) => [stack.info.API_URL, "--key", key.slice(0, 60)],
  },
  {
    name: "a gateway that refuses a key with a line break in its middle",
    ...{ expect: "key_malformed", never: /does not know the API key/ },
    make: ({ after, key }) => {
      const { url, stop } = startUpstream({
        refuse: () =>
          Response.json({ message: "Invalid authentication credentials" }, { status: 401 }),
      });
      after(stop);
      return [url, "--key", `${key.slice(0, 40)}\n${key.slice(40)}`];
    },
  },
  {
    name: "a key without a role",
    expect: "key_claims",
    make: async (stage) => [stage.stack.info.API_URL, "--key", await signed(stage, {})],
  },
  {
    name: "a key that nobody signed",
    expect: "key_algorithm",
    make: ({ stack }) => [stack.info.API_URL, "--key", unsigned({ role: "anon" })],
  },
  {
    name: "a service_role key where the page's key belongs",
    expect: "secret_key",
    make: ({ stack }) => [stack.info.API_URL, "--key", stack.info.SERVICE_ROLE_KEY],
  },
  {
    name: "a page whose script holds a secret key",
    ...{ expect: "secret_key", also: ["key_withheld"] },
    make: ({ stack, after }) => {
      const { API_URL, SECRET_KEY } = stack.info;
      const page = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
        const isScript = request.url.endsWith(".js");
        const type = isScript ? "text/javascript" : "text/html";
        const body = isScript
          ? `createClient("${API_URL}", "${SECRET_KEY}")`
          : '<!doctype html><script src="/app.js"></script>';
        const status = /\/$|\.js$/.test(request.url) ? 200 : 404;
        return new Response(body, { status, headers: { "content-type": type } });
      });
      after(() => page.shutdown());
      return [`http://127.0.0.1:${page.addr.port}/`];
    },
  },
  {
    name: "an old Realtime that answers 403 to an expired key",
    expect: "key_expired",
    make: async (stage) => [
      scripted(stage, { refuse: () => new Response(null, { status: 403 }) }),
      ...["--key", await signed(stage, { role: "anon" }, -60)],
    ],
  },
  {
    name: "an old Realtime that answers 403 for a reason of its own",
    expect: "refused_403",
    make: (stage) => [scripted(stage, { refuse: () => new Response(null, { status: 403 }) })],
  },
  {
    name: "an old Realtime that knows its tenant by another Host",
    ...{ expect: "host_not_tenant", hop: "the front" },
    make: (stage) => [
      scripted(stage, {
        refuse(request) {
          const isTenant = request.headers.get("host")?.startsWith("realtime-dev.");
          if (isTenant) return Deno.upgradeWebSocket(request).response;
          return new Response(null, { status: 403 });
        },
      }),
    ],
  },
  {
    name: "a tenant that is disabled",
    ...{ expect: "tenant_disabled", hop: "Realtime" },
    make: (stage) => [
      scripted(stage, {
        refuse: () =>
          Response.json({ error: "Realtime was disabled for this tenant" }, { status: 403 }),
      }),
    ],
  },
  {
    name: "a firewall that wants a challenge solved",
    ...{ expect: "waf", hop: "the front", paste: /WAF/ },
    make: (stage) => [
      scripted(stage, {
        refuse: () =>
          new Response("<!doctype html>Just a moment...", {
            status: 403,
            headers: {
              "cf-ray": "1-AMS",
              "cf-mitigated": "challenge",
              "content-type": "text/html",
            },
          }),
      }),
    ],
  },
  {
    name: "a Realtime that crashes as it answers",
    expect: "server_error",
    make: (stage) => [
      scripted(stage, { refuse: () => new Response("Internal Server Error", { status: 500 }) }),
    ],
  },
  {
    name: "a Realtime that answers nothing",
    expect: "unanswered",
    make: (stage) => [
      ...[scripted(stage, { refuse: () => new Promise(() => {}) }), "--wait", "1"],
    ],
  },
  {
    name: "a Realtime that never says that changes flow",
    expect: "changes_silent",
    make: (stage) => [scripted(stage, { onSocket: (it) => echo(it, true) }), "--wait", "1"],
  },
  {
    name: "something on the way that drops broadcasts",
    expect: "broadcast_lost",
    make: (stage) => [scripted(stage, { onSocket: (it) => echo(it, false) }), "--wait", "1"],
  },
  {
    name: "something that rewrites the handshake",
    expect: "accept_wrong",
    make: (stage) => [
      raw(
        stage,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
      ),
    ],
  },
  ...[
    ["without Connection, which browsers want", ""],
    [
      "with a subprotocol that nobody offered",
      "Connection: Upgrade\r\nSec-WebSocket-Protocol: x\r\n",
    ],
  ].map(([how, lines]): SetUp => ({
    name: `a 101 ${how}`,
    ...{ expect: "accept_wrong", hop: "the front" },
    make: (stage) => [
      raw(
        stage,
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n${lines}Sec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`,
      ),
    ],
  })),
  {
    name: "hints that come before the answer",
    ...{ expect: "tenant_disabled", hop: "Realtime" },
    make: (stage) => {
      const body = '{"error":"Realtime was disabled for this tenant"}';
      const hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.js>; rel=preload\r\n\r\n";
      return [
        raw(
          stage,
          `${hints}HTTP/1.1 403 Forbidden\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        ),
      ];
    },
  },
  {
    name: "a server that hangs up",
    expect: "closed_unanswered",
    make: (stage) => [raw(stage, "")],
  },
  {
    name: "a port that speaks something else",
    expect: "not_http",
    make: (stage) => [raw(stage, "SSH-2.0-OpenSSH_9.2\r\n")],
  },
  {
    name: "a server whose clock is an hour behind",
    expect: "clock_skew",
    make: async (stage) => {
      const { host } = new URL(stage.stack.info.API_URL);
      const date = new Date(Date.now() - 3_600_000).toUTCString();
      const page = `handle / {\nheader Date "${date}"\nrespond "a page"\n}`;
      return [await stage.proxy("caddy", caddy(`${page}\nreverse_proxy ${host}`))];
    },
    needs: "caddy",
  },
  {
    name: "a Realtime that is full",
    expect: "too_many",
    make: (stage) => [
      scripted(stage, {
        refuse: () => Response.json({ error: "Too many connected users" }, { status: 429 }),
      }),
    ],
  },
  {
    name: "a proxy that opens the socket and holds its frames",
    expect: "socket_silent",
    make: (stage) => [scripted(stage, {}), "--wait", "1"],
  },
  {
    name: "a server that opens the socket and ends it",
    expect: "socket_lost",
    make: (stage) => [
      scripted(stage, { onSocket: (socket) => socket.onopen = () => socket.close(1011) }),
    ],
  },
  {
    name: "something that breaks the frames of those who offer compression, as browsers do",
    ...{ expect: "frames_broken", says: /^It breaks on the open socket\./, never: /timeouts/ },
    make: async (stage) => [await compressing(stage, true), "--wait", "2"],
  },
  {
    name: "a private channel without a policy for it",
    expect: "private_refused",
    make: ({ stack }) => [stack.info.API_URL, "--topic", "nobody-may-be-here"],
  },
  {
    name: "a table that is not there",
    expect: "changes_refused",
    make: ({ stack }) => [stack.info.API_URL, "--table", "public.no_such_table"],
  },
];
