import { FIXES } from "../../../tools/doctor/fixes/mod.ts";
import { signToken } from "../../../tools/stack/keys.ts";
import { apache, nginx, NGINX_UPGRADE } from "../../support/proxies/configurations.ts";
import { ownPort } from "../../support/proxies/ports.ts";
import { hosts, startRelay } from "../../support/relay_host.ts";
import { keyPair } from "../../support/tokens.ts";
import { startUpstream } from "../../support/upstream.ts";
import type { SetUp, Stage } from "./stage.ts";

/** nginx that drops every upgrade. */
const dropping = ({ proxy, stack }: Stage) =>
  proxy("nginx", nginx(`location / { proxy_pass ${stack.info.API_URL}; }`));

/** The doctor's own lines, and what has stood there before. */
async function withLines({ proxy, stack }: Stage, ...paths: string[]): Promise<string> {
  const gateway = new URL(stack.info.API_URL).host;
  const all = paths.map((path) => FIXES.nginx.route({ gateway, prefix: "", path }));
  const [[http]] = all.map((lines) => lines.split("# in server { }"));
  const locations = all.map((lines) => lines.split("# in server { }")[1]).join("\n");
  return await proxy(
    "nginx",
    nginx(`${locations}\nlocation / { proxy_pass ${stack.info.API_URL}; }`, http),
  );
}

/** A server of somebody else's, which answers everything alike. */
function alike({ after }: Stage, status: number, body: string, type = "application/json"): string {
  const headers = { "content-type": type };
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => new Response(body, { status, headers }),
  );
  after(() => server.shutdown());
  return `http://127.0.0.1:${server.addr.port}`;
}

function refusing({ after }: Stage, refuse: () => Response): string {
  const upstream = startUpstream({ refuse });
  after(upstream.stop);
  return `${upstream.url}/realtime/v1`;
}

const relayPaste = /location \/functions\/v1\/relay\/ \{/;
const atTheFront = { expect: "upgrade_dropped", hop: "the front", needs: "nginx" } as const;

/** Whom the doctor blames, where what it asks misleads. */
export const WHOM_SET_UPS: SetUp[] = [
  {
    name: "a gateway behind a front that drops the upgrade, whose name does not resolve here",
    ...atTheFront,
    make: async (stage) => [await dropping(stage), "--direct", "http://kong.invalid:8000"],
  },
  {
    name: "the same, whose port is closed",
    ...atTheFront,
    make: async (stage) => [
      ...[await dropping(stage), "--direct", `http://127.0.0.1:${ownPort()}`],
    ],
  },
  {
    name: "the same, where some other server listens",
    ...atTheFront,
    make: async (stage) => [await dropping(stage), "--direct", alike(stage, 404, "not found")],
  },
  {
    name: "the same, where a page is",
    ...atTheFront,
    make: async (stage) => [
      ...[await dropping(stage), "--direct", alike(stage, 200, "<html>", "text/html")],
    ],
  },
  ...([
    ["refuses the key", 401, '{"message":"Invalid authentication credentials"}'],
    ["fails by itself", 500, '{"error":"boom"}'],
  ] as const).map(([how, status, body]): SetUp => ({
    name: `the same, where a gateway ${how}, which drops no upgrade`,
    ...atTheFront,
    make: async (stage) => [await dropping(stage), "--direct", alike(stage, status, body)],
  })),
  {
    name: "the same, where the front itself is given as what is behind it",
    ...atTheFront,
    async make(stage) {
      const front = await dropping(stage);
      return [front, "--direct", `${front}/rest/v1/`];
    },
  },
  {
    name: "a gateway by an address below it, which is well",
    ...{ ...atTheFront, never: /could not be asked/ },
    make: async (stage) => [
      await dropping(stage),
      ...["--direct", `${stage.stack.info.API_URL}/realtime/v1/`],
    ],
  },
  {
    name: "Realtime by its socket's folder, which is well",
    ...{ expect: "upgrade_dropped", hop: "unknown between the front and Realtime" },
    ...{ needs: "nginx", never: /could not be asked/ },
    make: async (stage) => [
      await dropping(stage),
      ...["--realtime", `${stage.stack.realtime.url}/socket/`],
    ],
  },
  {
    name: "a relay whose path alone knows no upgrade, behind an Apache that opens the other",
    ...{
      expect: "relay_upgrade_dropped",
      needs: "apache2",
      paste: /ProxyPass .*upgrade=websocket/,
    },
    make: async ({ stack, proxy }) => [
      await proxy(
        "apache",
        apache(`ProxyPass /functions/ ${stack.info.API_URL}/functions/
          ProxyPass / ${stack.info.API_URL}/ upgrade=websocket`),
      ),
    ],
  },
  {
    name: "a gateway that cannot be asked, between a front that fails and a Realtime that is well",
    ...{ expect: "upgrade_dropped", hop: "unknown between the front and Realtime" },
    ...{ needs: "nginx", says: /unknown between the front and Realtime/ },
    make: async (stage) => [
      ...[await dropping(stage), "--direct", `http://127.0.0.1:${ownPort()}`],
      ...["--realtime", stage.stack.realtime.url],
    ],
  },
  {
    name: "a project behind nginx with the doctor's lines, and a relay behind it without them",
    ...{ expect: "relay_upgrade_dropped", needs: "nginx", paste: relayPaste },
    file: "deploy/proxies/nginx.conf",
    make: async (stage) => [await withLines(stage, "/realtime/v1/")],
    mend: async (stage) => [await withLines(stage, "/realtime/v1/", "/functions/v1/relay/")],
  },
  {
    name: "the relay behind it by its own URL, with a key",
    ...{ expect: "upgrade_dropped", needs: "nginx", paste: relayPaste },
    ...{ says: /so the relay sees a plain request\.$/, never: /Realtime sees a plain request/ },
    make: async (stage) => [`${await withLines(stage, "/realtime/v1/")}/functions/v1/relay`],
    mend: async (stage) => [`${await withLines(stage, "/functions/v1/relay/")}/functions/v1/relay`],
  },
  {
    name: "the same without a key",
    ...{ expect: "upgrade_dropped", needs: "nginx", paste: relayPaste },
    ...{ says: /so the relay sees a plain request\.$/, never: /Realtime sees a plain request/ },
    make: async (stage) => [
      `${await withLines(stage, "/realtime/v1/")}/functions/v1/relay`,
      ...["--key", ""],
    ],
  },
  {
    name: "a server that answers JSON of its own to every path",
    ...{ expect: "path_wrong", hop: "the front", never: /is a Supabase project/ },
    make: (stage) => [alike(stage, 404, '{"error":"Not Found"}')],
  },
  {
    name: "one that answers in Spring's way",
    ...{ expect: "path_wrong", hop: "the front", never: /is a Supabase project/ },
    make: (stage) => [
      alike(stage, 404, '{"timestamp":1,"status":404,"error":"Not Found","path":"/"}'),
    ],
  },
  {
    name: "one that wants a token of its own",
    ...{ expect: "refused_otherwise", never: /is a Supabase project/ },
    make: (stage) => [alike(stage, 401, '{"detail":"Unauthorized"}')],
  },
  {
    name: "a token that the relay takes and Realtime refuses",
    ...{ expect: "realtime_refuses_token", never: /relay refuses the credential/ },
    says: /^It breaks at the keys\./,
    async make({ stack, after }) {
      const secret = "a secret of the relay alone, of more than 32";
      const relay = await startRelay(hosts[0], {
        ...{ SUPABASE_URL: stack.info.API_URL, SUPABASE_ANON_KEY: stack.info.ANON_KEY },
        ...{ RELAY_JWT_SECRET: secret, RELAY_DRAIN_MS: "0", RELAY_REFUSAL_DELAY_MS: "0" },
      });
      after(relay.stop);
      const claims = { role: "authenticated", aud: "authenticated", sub: crypto.randomUUID() };
      const token = await signToken(secret, claims, 600);
      return [`http://${relay.address}/relay`, "--token", token, "--wait", "12"];
    },
  },
  {
    name: "a healthy relay, and neither key nor token",
    ...{ expect: "credential_missing", says: /^It breaks at the keys\./, never: /expired/ },
    make: ({ stack }) => [stack.info.RELAY_URL, "--key", ""],
  },
  {
    name: "a Kong whose rule keeps this key out",
    ...{ expect: "key_forbidden", hop: "the front", never: /firewall/ },
    make: (stage) => [
      refusing(stage, () =>
        Response.json({ message: "You cannot consume this service" }, {
          ...{ status: 403, headers: { server: "kong/2.8.1" } },
        })),
    ],
  },
  {
    name: "an Envoy whose rule keeps this key out",
    ...{ expect: "key_forbidden", hop: "the front" },
    make: (stage) => [
      refusing(stage, () =>
        new Response("RBAC: access denied", {
          ...{ status: 403, headers: { server: "envoy" } },
        })),
    ],
  },
  {
    name: "a Kong of today that does not know the key",
    ...{ expect: "key_refused_by_gateway", hop: "the front" },
    make: (stage) => [
      refusing(
        stage,
        () =>
          new Response('{\n  "message":"Unauthorized",\n  "request_id":"8a7c0f"\n}', {
            ...{ status: 401, headers: { server: "kong/3.9.1", "www-authenticate": "Key" } },
          }),
      ),
    ],
  },
  {
    name: "nginx that passes on what a Kong says whose Realtime is not found",
    ...{ expect: "gateway_unreachable", hop: "what is behind the front", needs: "nginx" },
    ...{ paste: /^# kong/, says: /^It breaks behind the front\./ },
    make: async (stage) => {
      const kong = alike(stage, 503, '{\n  "message":"name resolution failed"\n}');
      return [
        await stage.proxy(
          "nginx",
          nginx(`${NGINX_UPGRADE} location / { proxy_pass ${kong}; }`),
        ),
      ];
    },
  },
  {
    name: "Cloudflare before an nginx whose gateway is down",
    ...{ expect: "gateway_unreachable", hop: "what is behind the front", paste: /^# nginx/ },
    make: (stage) => [
      refusing(
        stage,
        () =>
          new Response("<center><h1>502 Bad Gateway</h1></center><hr><center>nginx/1.24</center>", {
            status: 502,
            headers: { server: "cloudflare", "cf-ray": "1-AMS", "content-type": "text/html" },
          }),
      ),
    ],
  },
  {
    name: "nginx that asks a port by http which speaks https",
    ...{ expect: "https_wanted_behind", hop: "the front", never: /in every client/ },
    ...{ needs: "nginx", paste: /proxy_pass https:/ },
    make: async (stage) => {
      const words = "Client sent an HTTP request to an HTTPS server.\n";
      return [
        await stage.proxy(
          "nginx",
          nginx(`location / { proxy_pass ${alike(stage, 400, words, "text/plain")}; }`),
        ),
      ];
    },
  },
  {
    name: "a front that drops what the handshake is verified by",
    ...{ expect: "handshake_dropped", hop: "the front", never: /rule of that hop/ },
    make: (stage) => [
      refusing(stage, () => new Response("'sec-websocket-key' header is absent", { status: 400 })),
    ],
  },
  {
    name: "a key of the project's JWKS, which Realtime does not hold",
    ...{ expect: "server_secret_differs", never: /signed by an algorithm/, paste: /API_JWT_JWKS/ },
    async make(stage) {
      const { jwk, sign } = await keyPair("ours");
      const error = "Failed to generate JWT signer, check your JWT secret or JWKS configuration";
      const { url, stop } = startUpstream({
        refuse: () => Response.json({ error }, { status: 401 }),
        onRequest: () => Response.json({ keys: [jwk] }),
      });
      stage.after(stop);
      return [`${url}/realtime/v1`, "--key", await sign({ role: "anon" })];
    },
  },
  {
    name: "an old server, and a key that it has never heard of",
    ...{ expect: "key_not_swapped", says: /publishable key/ },
    make: (stage) => [
      refusing(stage, () => new Response(null, { status: 403, headers: { server: "kong/2.8.1" } })),
      ...["--key", stage.stack.info.PUBLISHABLE_KEY],
    ],
  },
];
