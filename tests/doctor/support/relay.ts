import { RelayError } from "../../../supabase/functions/relay/errors.ts";
import { createMisconfigured } from "../../../supabase/functions/relay/relay.ts";
import { signToken } from "../../../tools/stack/keys.ts";
import { ownPort } from "../../support/proxies/ports.ts";
import { hosts, startRelay } from "../../support/relay_host.ts";
import { nginx, NGINX_UPGRADE } from "../../support/proxies/configurations.ts";
import type { SetUp, Stage } from "./stage.ts";

/** A relay of the stack's project, with these variables beside or instead. */
async function relayWith({ stack, after }: Stage, env: Record<string, string>): Promise<string> {
  const relay = await startRelay(hosts[0], {
    SUPABASE_URL: stack.info.API_URL,
    SUPABASE_ANON_KEY: stack.info.ANON_KEY,
    RELAY_JWT_SECRET: stack.info.JWT_SECRET,
    RELAY_ANONYMOUS: "allow",
    RELAY_REFUSAL_DELAY_MS: "0",
    RELAY_DRAIN_MS: "0",
    ...env,
  });
  after(relay.stop);
  return `http://${relay.address}/relay`;
}

function serve({ after }: Stage, handler: (request: Request) => Response | Promise<Response>) {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, handler);
  after(() => server.shutdown());
  return `http://127.0.0.1:${server.addr.port}/functions/v1/relay`;
}

/** A relay with what anonymous viewers may do. */
const allowing = (policy: object) => (stage: Stage) =>
  relayWith(stage, { RELAY_POLICY: JSON.stringify({ anon: policy }) });

/** What docs/CONFIGURATION.md has for viewers. */
const viewers = allowing({ topics: ["clicks:*"], tables: ["public.url_clicks"], readOnly: true });

/** Relays that let in to less than everything, as they were told. */
export const HEALTHY_RELAYS: Omit<SetUp, "expect">[] = [
  {
    name: "a relay that verifies by the secret, and a user whom Auth does not know",
    make: async (stage) => {
      const claims = { role: "authenticated", aud: "authenticated", sub: crypto.randomUUID() };
      const token = await signToken(stage.stack.info.JWT_SECRET, claims, 600);
      return [await relayWith(stage, {}), "--token", token];
    },
  },
  {
    name: "the same below a project's path, so that the doctor can ask its Auth",
    make: async (stage) => {
      const claims = { role: "authenticated", aud: "authenticated", sub: crypto.randomUUID() };
      const token = await signToken(stage.stack.info.JWT_SECRET, claims, 600);
      return [stage.stack.info.RELAY_URL, "--token", token];
    },
  },
  {
    name: "a relay as it is by default, and a public key alone",
    make: async (stage) => [await relayWith(stage, { RELAY_ANONYMOUS: "" })],
  },
  {
    name: "the same with a database and a private channel, which want a user",
    make: async (stage) => [
      ...[await relayWith(stage, { RELAY_ANONYMOUS: "" }), "--topic", "clicks:docs"],
      ...["--db", stage.stack.info.DB_URL],
    ],
  },
  {
    name: "a relay for many origins, whose health is long",
    make: async (stage) => {
      const origins = Array.from({ length: 200 }, (_, n) => `https://customer-${n}.example.com`);
      const url = await relayWith(stage, { RELAY_ORIGINS: origins.join(",") });
      return [url, "--origin", origins[199]];
    },
  },
  { name: "a relay for some topics only", make: async (stage) => [await viewers(stage)] },
  {
    name: "a relay for some topics only, one of them, and a database",
    make: async (stage) => [
      ...[await viewers(stage), "--topic", "clicks:docs", "--db", stage.stack.info.DB_URL],
    ],
  },
  {
    name: "a relay for some tables only, and a database",
    make: async (stage) => [
      await allowing({ tables: ["public.url_clicks"] })(stage),
      ...["--db", stage.stack.info.DB_URL],
    ],
  },
  {
    name: "a relay whose viewers may not send",
    make: async (stage) => [await allowing({ readOnly: true })(stage)],
  },
  {
    name: "a relay for private channels only, and a database",
    make: async (stage) => [
      ...[await allowing({ privateOnly: true })(stage), "--db", stage.stack.info.DB_URL],
    ],
  },
];

/** The relay, and what stands between it and its clients. */
export const RELAY_SET_UPS: SetUp[] = [
  {
    name: "a platform that verifies the JWT of every request before the relay",
    ...{ expect: "relay_verify_jwt", paste: /verify_jwt = false/ },
    // What the main function of self-hosted Supabase does with VERIFY_JWT=true.
    make: (stage) => [
      serve(
        stage,
        (request) =>
          request.headers.has("authorization")
            ? fetch(stage.stack.info.RELAY_URL)
            : Response.json({ msg: "Error: Missing authorization header" }, { status: 401 }),
      ),
    ],
  },
  {
    name: "a relay whose Realtime is not there",
    expect: "relay_no_upstream",
    make: async (stage) => [
      await relayWith(stage, { SUPABASE_URL: `http://127.0.0.1:${ownPort()}` }),
    ],
  },
  {
    name: "a relay with a key that Realtime refuses",
    expect: "relay_no_upstream",
    make: async (stage) => {
      const anon = await signToken("another secret of 32 characters", { role: "anon" }, 3600);
      return [await relayWith(stage, { SUPABASE_ANON_KEY: anon }), "--key", anon];
    },
  },
  {
    ...{
      name: "a relay that cannot ask Auth, whose secret it was not given",
      more: true,
      once: true,
    },
    expect: "relay_no_upstream",
    make: async (stage) => {
      const claims = { role: "authenticated", aud: "authenticated", sub: crypto.randomUUID() };
      const env = { SUPABASE_URL: `http://127.0.0.1:${ownPort()}`, RELAY_JWT_SECRET: "" };
      const token = await signToken(stage.stack.info.JWT_SECRET, claims, 600);
      return [await relayWith(stage, env), "--token", token];
    },
  },
  {
    name: "the anon key of another project, at a relay",
    expect: "relay_key_unknown",
    make: async (stage) => {
      const anon = await signToken("another secret of 32 characters", { role: "anon" }, 3600);
      return [await relayWith(stage, {}), "--key", anon];
    },
  },
  {
    ...{ name: "a publishable key of another project, at a relay", more: true },
    expect: "relay_key_unknown",
    make: async (stage) => [
      ...[await relayWith(stage, {}), "--key", "sb_publishable_of_another_project"],
    ],
  },
  {
    name: "a relay whose environment is wrong",
    expect: "relay_misconfigured",
    make: (
      stage,
    ) => [serve(stage, createMisconfigured(["SUPABASE_URL: got nothing, wants a URL"]))],
  },
  {
    name: "a relay that does not serve pages of this origin",
    expect: "relay_origin",
    make: async (stage) => [
      await relayWith(stage, { RELAY_ORIGINS: "https://app.example.com" }),
      ...["--origin", "https://other.example.com"],
    ],
  },
  {
    name: "a relay that wants an Origin, and none is given",
    expect: "relay_origin",
    make: async (stage) => [
      await relayWith(stage, {
        RELAY_ORIGINS: "https://app.example.com",
        RELAY_ABSENT_ORIGIN: "refuse",
      }),
    ],
  },
  {
    name: "a relay that lets in signed-in users only",
    expect: "relay_anonymous",
    make: async (stage) => [await relayWith(stage, { RELAY_ANONYMOUS: "refuse" })],
  },
  {
    name: "a token that has expired",
    expect: "token_expired",
    make: async ({ stack }) => {
      const claims = { role: "authenticated", aud: "authenticated", sub: stack.info.USERS[0].id };
      const token = await signToken(stack.info.JWT_SECRET, claims, -60);
      return [stack.info.RELAY_URL, "--token", token, "--jwt-secret", stack.info.JWT_SECRET];
    },
  },
  {
    name: "a token for another audience",
    expect: "token_refused",
    make: async ({ stack }) => {
      const token = await signToken(stack.info.JWT_SECRET, { role: "authenticated", aud: "x" }, 60);
      return [stack.info.RELAY_URL, "--token", token, "--jwt-secret", stack.info.JWT_SECRET];
    },
  },
  {
    name: "a relay that wants tokens of another issuer",
    expect: "relay_refuses",
    make: async (stage) => {
      const { JWT_SECRET, USERS } = stage.stack.info;
      const claims = { role: "authenticated", aud: "authenticated", sub: USERS[0].id };
      const token = await signToken(JWT_SECRET, claims, 60);
      const issuer = { RELAY_ISSUER: "https://elsewhere.example.com/auth/v1" };
      return [await relayWith(stage, issuer), "--token", token];
    },
  },
  {
    name: "a relay that keeps the table from viewers",
    expect: "relay_refuses",
    make: async (stage) => [
      await allowing({ tables: ["public.short_links"] })(stage),
      ...["--table", "public.url_clicks"],
    ],
  },
  {
    name: "a relay that keeps the topic from viewers",
    expect: "relay_refuses",
    make: async (stage) => [await viewers(stage), "--topic", "room:1"],
  },
  ...([
    [503, { code: "BOOT_ERROR", message: "Function failed to start (please check logs)" }],
    [503, { code: "SUPABASE_EDGE_RUNTIME_ERROR", message: "Service is temporarily unavailable" }],
    [546, { code: "WORKER_RESOURCE_LIMIT", message: "Function failed due to not having enough …" }],
    [500, { msg: "InvalidWorkerCreation: worker boot error: Uncaught SyntaxError: x" }],
  ] as const).map(([status, body]): SetUp => ({
    name: `a relay that is deployed and does not start, by ${status}: ${Object.values(body)[0]}`,
    ...{ expect: "relay_crashed", never: /functions deploy/ },
    make: (stage) => [serve(stage, () => Response.json(body, { status }))],
  })),
  {
    name: "a function that self-hosted Supabase does not find",
    expect: "relay_missing",
    make: (stage) => [
      serve(stage, () =>
        Response.json({
          msg: "InvalidWorkerCreation: worker boot error: failed to read path: No such file",
        }, { status: 500 })),
    ],
  },
  {
    name: "a path at which no relay is",
    expect: "relay_missing",
    make: ({ stack }) => [`${stack.info.API_URL}/nowhere/relay`],
  },
  ...(["not_found", "not_implemented"] as const).map((code): SetUp => ({
    name: `a relay with RELAY_PASS, asked where it is not: ${code}`,
    ...{ expect: "relay_missing", never: /drops the headers/ },
    make: (stage) => {
      const refusal = new RelayError(code, "Nothing is served at this path.");
      const url = serve(stage, () => Response.json(refusal, { status: refusal.status }));
      return [url.replace("/functions/v1/", "/")];
    },
  })),
  {
    name: "a proxy that drops the subprotocol before the relay",
    ...{ expect: "subprotocol_dropped", needs: "nginx" },
    make: async ({ stack, proxy }) => {
      const url = await proxy(
        "nginx",
        nginx(`${NGINX_UPGRADE}
        proxy_set_header Sec-WebSocket-Protocol "";
        location / { proxy_pass ${stack.info.API_URL}; }`),
      );
      return [`${url}/functions/v1/relay`];
    },
  },
];
