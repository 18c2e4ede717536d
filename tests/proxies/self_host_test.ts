import assert from "node:assert/strict";
import { parse, parseAllDocuments } from "yaml";
import { machineEnv } from "../../tools/stack/process.ts";
import { readConfig, settingNames } from "../../supabase/functions/relay/config/config.ts";
import { createMisconfigured } from "../../supabase/functions/relay/relay.ts";
import { routeOf } from "../../supabase/functions/relay/door/route.ts";
import { connect } from "../support/client.ts";
import { inTime } from "../support/in_time.ts";
import { ownPort } from "../support/proxies/ports.ts";
import { HOME, hosts, startRelay } from "../support/relay_host.ts";
import { anonKey } from "../support/served_relay.ts";
import { PUBLISHABLE_KEY, SECRET, sign } from "../support/tokens.ts";
import { startUpstream } from "../support/upstream.ts";

const read = (file: string) =>
  Deno.readTextFileSync(new URL(`../../deploy/self-host/${file}`, import.meta.url));

const SERVICE = parse(read("docker-compose.relay.yml")).services.relay;
const EDGE = parse(read("docker-compose.relay-edge.yml")).services.functions;
const [KONG] = parse(read("kong.relay.yml")).services;
const [ENVOY_ROUTES, ENVOY_CLUSTERS] = parseAllDocuments(read("envoy.relay.yml"))
  .map((document) => document.toJS());

/** The names of the official .env that a relay may need; the rest of it is not the relay's. */
const DOT_ENV: Record<string, string> = {
  ANON_KEY: anonKey,
  JWT_SECRET: SECRET,
  SUPABASE_PUBLIC_URL: "http://localhost:8000",
  API_EXTERNAL_URL: "http://localhost:8000",
  SITE_URL: "http://localhost:3000",
  SUPABASE_PUBLISHABLE_KEY: "",
};

/** Compose's `${NAME}` and `${NAME:-default}`, from the inside out. */
function fillIn(text: string, dotEnv: Record<string, string>): string {
  const filled = text.replace(/\$\{(\w+)(:-([^${}]*))?\}/g, (_, name, hasDefault, value) => {
    assert.ok(hasDefault || dotEnv[name], `the official .env has no ${name}`);
    return dotEnv[name] || value;
  });
  return filled === text ? text : fillIn(filled, dotEnv);
}

function environmentFor(dotEnv = DOT_ENV, service = SERVICE): Record<string, string> {
  return Object.fromEntries(
    Object.entries<string>(service.environment).map(([name, text]) => [name, fillIn(text, dotEnv)]),
  );
}

/** Runs the health check as the container would, and gives its exit code. */
async function checkHealth(port: number): Promise<number> {
  const [kind, program, ...args] = SERVICE.healthcheck.test;
  assert.deepEqual([kind, program], ["CMD", "deno"]);
  const { code } = await new Deno.Command(Deno.execPath(), {
    args,
    clearEnv: true,
    env: { ...machineEnv(), PORT: String(port) },
    stdout: "null",
    stderr: "null",
  }).output();
  return code;
}

Deno.test("the environment of the compose file is right with no more than the official .env", () => {
  const config = readConfig(environmentFor());
  assert.equal(config.supabaseUrl.href, "http://kong:8000/");
  assert.equal(config.upstreamKey, anonKey);
  assert.equal(config.jwtSecret, SECRET);
  assert.deepEqual(config.issuers, []);
  assert.deepEqual(config.origins, [DOT_ENV.SITE_URL]);
  assert.deepEqual([config.anonymous, config.trustedProxies], ["refuse", 0]);
});

Deno.test("variables that are added to the .env reach the relay", () => {
  const config = readConfig(environmentFor({
    ...DOT_ENV,
    SUPABASE_PUBLISHABLE_KEY: PUBLISHABLE_KEY,
    RELAY_ORIGINS: "https://a.example,https://b.example",
    RELAY_ANONYMOUS: "allow",
    RELAY_TRUSTED_PROXIES: "2",
    RELAY_MAX_SOCKETS: "7",
  }));
  assert.deepEqual(config.publicKeys, [PUBLISHABLE_KEY, anonKey]);
  assert.deepEqual(config.origins, ["https://a.example", "https://b.example"]);
  assert.deepEqual([config.anonymous, config.trustedProxies], ["allow", 2]);
  assert.equal(config.maxSockets, 7);
});

Deno.test("in the edge container the relay takes what that has, and what is added to it", () => {
  const configFor = (dotEnv: Record<string, string>) =>
    readConfig({
      JWT_SECRET: SECRET,
      SUPABASE_URL: "http://api-gw:8000",
      SUPABASE_ANON_KEY: anonKey,
      // As newer compose files hand it in: empty where .env has none.
      SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: dotEnv.SUPABASE_PUBLISHABLE_KEY }),
      ...environmentFor(dotEnv, EDGE),
    });
  const config = configFor(DOT_ENV);
  assert.equal(config.supabaseUrl.href, "http://api-gw:8000/");
  assert.deepEqual([config.upstreamKey, config.jwtSecret], [anonKey, SECRET]);
  assert.deepEqual([config.issuers, config.origins], [[], [DOT_ENV.SITE_URL]]);
  const { upstreamKey } = configFor({ ...DOT_ENV, SUPABASE_PUBLISHABLE_KEY: PUBLISHABLE_KEY });
  assert.equal(upstreamKey, PUBLISHABLE_KEY);
  assert.equal(EDGE.environment.VERIFY_JWT, "false");
});

Deno.test("the compose files set no variable that the relay does not read", () => {
  const names = [SERVICE, EDGE].flatMap(({ environment }) => Object.keys(environment));
  const unknown = names.filter((name) => !settingNames.includes(name));
  assert.deepEqual(unknown, ["VERIFY_JWT"]);
});

Deno.test("the container gives the relay time to drain, room for its sockets and no more rights", () => {
  const config = readConfig(environmentFor());
  assert.ok(Number.parseInt(SERVICE.stop_grace_period) * 1000 > config.drainMs);
  assert.match(SERVICE.stop_grace_period, /^\d+s$/);
  assert.ok(200 + config.maxSockets! * 0.1 < Number.parseInt(SERVICE.mem_limit));
  assert.match(SERVICE.mem_limit, /^\d+m$/);
  assert.equal(SERVICE.image, `denoland/deno:${hosts[0].name.slice("Deno ".length)}`);
  assert.equal(SERVICE.read_only, true);
  assert.deepEqual(SERVICE.security_opt, ["no-new-privileges:true"]);
  assert.deepEqual(SERVICE.cap_drop, ["ALL"]);
  assert.equal(SERVICE.ports, undefined, "it is reached through the gateway alone");
});

Deno.test("in the edge container a dial and the drain behind it have time before Edge Runtime ends", () => {
  const environment = { ...environmentFor(DOT_ENV, EDGE), ...environmentFor() };
  const { dialTimeoutMs, drainMs } = readConfig(environment);
  const ownEndMs = 15_000;
  assert.ok(dialTimeoutMs + drainMs < ownEndMs);
  assert.ok(Number.parseInt(EDGE.stop_grace_period) * 1000 > ownEndMs);
});

Deno.test("Kong and Envoy route to the relay, ask for no key, and wait longer than it does", () => {
  const { port, maxSilenceMs, maxSockets } = readConfig(environmentFor());
  assert.equal(KONG.url, `http://relay:${port}`);
  assert.ok(Math.min(KONG.read_timeout, KONG.write_timeout) > maxSilenceMs);
  const [{ strip_path, paths, ...route }] = KONG.routes;
  assert.deepEqual([strip_path, paths], [false, ["/functions/v1/relay"]]);
  assert.deepEqual([KONG.plugins, route.plugins], [undefined, undefined]);

  const [envoy] = ENVOY_ROUTES.routes;
  assert.deepEqual(envoy.match, { path_separated_prefix: paths[0] });
  assert.deepEqual(envoy.request_headers_to_remove, ["sb-api-key"]);
  assert.equal(envoy.route.prefix_rewrite, undefined);
  assert.ok(Number.parseInt(envoy.route.idle_timeout) * 1000 > maxSilenceMs);
  for (const filter of ["cors", "basic_auth", "rbac"]) {
    assert.equal(envoy.typed_per_filter_config[`envoy.filters.http.${filter}`].disabled, true);
  }
  const [cluster] = ENVOY_CLUSTERS.resources;
  assert.equal(envoy.route.cluster, cluster.name);
  const [{ lb_endpoints: [{ endpoint }] }] = cluster.load_assignment.endpoints;
  assert.deepEqual(endpoint.address.socket_address, { address: "relay", port_value: port });
  const [{ max_connections }] = cluster.circuit_breakers.thresholds;
  assert.ok(max_connections > maxSockets!);

  // Both pass the path on as it came.
  assert.equal(routeOf("GET", `${paths[0]}/websocket`).kind, "socket");
  assert.equal(routeOf("GET", `${paths[0]}/health`).kind, "health");
  assert.equal(routeOf("POST", `${paths[0]}/api/broadcast`).kind, "broadcast");
});

Deno.test("the health check fails where nothing listens and where the environment is wrong", async () => {
  const wrong = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    createMisconfigured(["SUPABASE_URL: got nothing"]),
  );
  const codes = await Promise.all([checkHealth(wrong.addr.port), checkHealth(ownPort())]);
  await wrong.shutdown();
  assert.deepEqual(codes, [1, 1]);
});

Deno.test("run as the compose file says, the relay is healthy and takes tokens of any issuer", async () => {
  const joins: string[] = [];
  const upstream = startUpstream({
    onSocket: (socket) => {
      socket.onmessage = ({ data }) => {
        joins.push(JSON.parse(data)[4].access_token);
        socket.send(data);
      };
    },
  });
  const [run, ...command] = SERVICE.command;
  const [source, target] = SERVICE.volumes[0].split(":");
  assert.deepEqual([run, source], ["run", "./volumes/relay"]);
  const relay = await startRelay(
    hosts[0],
    { ...environmentFor(), SUPABASE_URL: upstream.url, PORT: "0" },
    {
      permissions: command.slice(0, -1),
      entry: [command.at(-1).replace(`${target}/`, HOME)],
    },
  );
  const base = `${relay.address}/functions/v1/relay`;
  try {
    const tokens = [await sign({ iss: "http://localhost:8000/auth/v1" }), await sign()];
    for (const [index, token] of tokens.entries()) {
      const client = connect(`ws://${base}/websocket?vsn=2.0.0&jwt=${token}`);
      await inTime(client.opened, "the socket opens");
      client.send(JSON.stringify(["1", "1", "realtime:a", "phx_join", { config: {} }]));
      await inTime(client.next(), "the join went upstream");
      assert.equal(joins[index], token);
      client.socket.close();
      await client.closed;
    }
    const verdicts = [DOT_ENV.SITE_URL, "https://elsewhere.example"].map(async (origin) => {
      const answer = await fetch(`http://${base}?jwt=${tokens[0]}`, { headers: { origin } });
      return (await answer.json()).code;
    });
    assert.deepEqual(await Promise.all(verdicts), ["upgrade_required", "origin_forbidden"]);
    assert.equal(await checkHealth(Number(relay.address.split(":")[1])), 0);
    const health = await (await fetch(`http://${base}/health`)).json();
    assert.equal(health.checks.hs256, "secret");
    assert.equal(health.sockets.most, 1500);
    assert.equal(health.addressLimits, "off: RELAY_TRUSTED_PROXIES is not set");
  } finally {
    await relay.stop();
    await upstream.stop();
  }
});
