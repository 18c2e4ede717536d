/** Traefik and Kong are not run here: their files are read against what their documentation names. */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { z } from "zod";

const read = (name: string) =>
  Deno.readTextFileSync(new URL(`../deploy/proxies/${name}`, import.meta.url));

/** What Traefik takes as a time: a number of seconds, or units. */
const duration = z.union([z.number().int(), z.string().regex(/^(\d+(ms|s|m|h))+$/)]);
const mode = z.enum(["keep", "redact", "drop"]);
const address = z.string().regex(/^[^:]*:\d+$/);
const httpUrl = z.url({ protocol: /^https?$/ });

/** https://doc.traefik.io/traefik/reference/install-configuration/configuration-options/ */
const traefikStatic = z.strictObject({
  entryPoints: z.record(
    z.string(),
    z.strictObject({
      address,
      http: z.strictObject({ tls: z.strictObject({ certResolver: z.string() }) }).optional(),
      transport: z.strictObject({
        respondingTimeouts: z.strictObject({
          readTimeout: duration,
          writeTimeout: duration,
          idleTimeout: duration,
        }).partial(),
      }).optional(),
    }),
  ),
  certificatesResolvers: z.record(
    z.string(),
    z.strictObject({
      acme: z.strictObject({
        email: z.email(),
        storage: z.string(),
        tlsChallenge: z.strictObject({}),
      }),
    }),
  ),
  providers: z.strictObject({ file: z.strictObject({ filename: z.string() }) }),
  accessLog: z.strictObject({
    format: z.enum(["common", "json"]),
    fields: z.strictObject({
      defaultMode: mode,
      names: z.record(z.string(), mode),
      headers: z.strictObject({ defaultMode: mode }),
    }),
  }),
});

/** Matchers of version 3, each with its arguments in backticks, joined by && and negated by !. */
const MATCHER = "!?(Host|PathPrefix|PathRegexp|Header|HeaderRegexp)\\(`[^`]+`(, `[^`]+`)?\\)";
const rule = z.string().regex(new RegExp(`^${MATCHER}( && ${MATCHER})*$`));

/** https://doc.traefik.io/traefik/reference/routing-configuration/dynamic-configuration-methods/ */
const traefikDynamic = z.strictObject({
  http: z.strictObject({
    routers: z.record(
      z.string(),
      z.strictObject({
        entryPoints: z.array(z.string()).min(1),
        rule,
        middlewares: z.array(z.string()).optional(),
        service: z.string(),
      }),
    ),
    middlewares: z.record(
      z.string(),
      z.strictObject({
        redirectScheme: z.strictObject({ scheme: z.literal("https"), permanent: z.boolean() }),
      }),
    ),
    services: z.record(
      z.string(),
      z.strictObject({
        loadBalancer: z.strictObject({
          passHostHeader: z.boolean().optional(),
          servers: z.array(z.strictObject({ url: httpUrl })).min(1),
        }),
      }),
    ),
  }),
});

/** Milliseconds, as Kong bounds them. */
const ms = z.number().int().min(1).max(2 ** 31 - 2);

/** https://developer.konghq.com/gateway/entities/, of services, routes and certificates */
const kong = z.strictObject({
  _format_version: z.enum(["1.1", "2.1", "3.0"]),
  certificates: z.array(z.strictObject({
    cert: z.string(),
    key: z.string(),
    snis: z.array(z.strictObject({ name: z.string() })),
  })),
  services: z.array(z.strictObject({
    name: z.string(),
    url: httpUrl,
    read_timeout: ms.optional(),
    write_timeout: ms.optional(),
    routes: z.array(z.strictObject({
      name: z.string(),
      hosts: z.array(z.string()).min(1),
      paths: z.array(z.string().startsWith("/")).min(1),
      protocols: z.array(z.enum(["http", "https"])).min(1),
      strip_path: z.boolean(),
      preserve_host: z.boolean(),
      response_buffering: z.boolean().optional(),
    })),
  })),
});

const DAY_MS = 86_400_000;

Deno.test("Traefik's files have documented fields alone, and name only what is there", () => {
  const { entryPoints, certificatesResolvers, providers, accessLog } = traefikStatic.parse(
    parse(read("traefik/traefik.yml")),
  );
  assert.equal(providers.file.filename, "/etc/traefik/supabase.yml");
  const timeouts = entryPoints.websecure.transport?.respondingTimeouts;
  assert.deepEqual(timeouts, { readTimeout: "24h", idleTimeout: "24h" });
  assert.ok(entryPoints.websecure.http!.tls.certResolver in certificatesResolvers);
  // No field of the common format can be left out.
  assert.equal(accessLog.format, "json");
  assert.deepEqual(accessLog.fields.names, { RequestPath: "drop", RequestLine: "drop" });
  assert.equal(accessLog.fields.headers.defaultMode, "drop");

  const { routers, middlewares, services } =
    traefikDynamic.parse(parse(read("traefik/supabase.yml"))).http;
  for (const [name, router] of Object.entries(routers)) {
    assert.ok(router.service in services, name);
    for (const entryPoint of router.entryPoints) assert.ok(entryPoint in entryPoints, name);
    for (const middleware of router.middlewares ?? []) assert.ok(middleware in middlewares, name);
  }
  assert.match(routers["to-https"].rule, /!HeaderRegexp\(`Upgrade`/);
  // Without a priority the longer rule wins.
  assert.ok(routers.relay.rule.length > routers.supabase.rule.length);
});

Deno.test("Kong's file has documented fields alone, and gives sockets a day", () => {
  const { services, certificates } = kong.parse(parse(read("kong.yml")));
  const names = services.flatMap(({ name, routes }) => [name, ...routes.map(({ name }) => name)]);
  assert.equal(new Set(names).size, services.length);
  for (const { name, routes, read_timeout, write_timeout } of services) {
    const [{ hosts, protocols, strip_path, preserve_host }, ...others] = routes;
    assert.deepEqual([others, strip_path, preserve_host], [[], false, true], name);
    assert.deepEqual(hosts, certificates[0].snis.map(({ name }) => name), name);
    assert.deepEqual(protocols, ["https"], name);
    const patience = name === "supabase" ? undefined : DAY_MS;
    assert.deepEqual([read_timeout, write_timeout], [patience, patience], name);
  }
});

Deno.test("each file says what to change, and what the relay must be told", async () => {
  for (const name of ["nginx.conf", "Caddyfile", "haproxy.cfg", "apache.conf", "kong.yml"]) {
    assert.match(read(name), /CHANGE/, name);
    assert.match(read(name), /RELAY_TRUSTED_PROXIES=1/, name);
  }
  for await (
    const { name } of Deno.readDir(new URL("../deploy/proxies/traefik", import.meta.url))
  ) {
    assert.match(read(`traefik/${name}`), /CHANGE/, name);
  }
});
