/** Traefik and Kong are not run here: their files are read against what their documentation names. */
import assert from "node:assert/strict";
import { parse } from "yaml";
import type { Fixes } from "../../tools/doctor/fixes/fixes.ts";
import { FIXES } from "../../tools/doctor/fixes/mod.ts";
import { kong, kongServicePart, traefikHttp, traefikStatic } from "../support/proxies/schemas.ts";

const read = (name: string) =>
  Deno.readTextFileSync(new URL(`../../deploy/proxies/${name}`, import.meta.url));

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

  const { routers, middlewares, services } = traefikHttp.parse(
    parse(read("traefik/supabase.yml")).http,
  );
  for (const [name, router] of Object.entries(routers)) {
    assert.ok(router.service in services, name);
    for (const entryPoint of router.entryPoints!) assert.ok(entryPoint in entryPoints, name);
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
    const { name } of Deno.readDir(new URL("../../deploy/proxies/traefik", import.meta.url))
  ) {
    assert.match(read(`traefik/${name}`), /CHANGE/, name);
  }
});

Deno.test("the lines that the doctor prints for them have documented fields alone", () => {
  const [route, host, timeouts] = lines(FIXES.traefik);
  const { routers, services } = traefikHttp.partial().parse(route.http);
  assert.deepEqual(Object.values(routers!).map(({ service }) => service), Object.keys(services!));
  const { middlewares } = traefikHttp.partial().parse(host.http);
  assert.ok(middlewares!["realtime-host"].headers!.customRequestHeaders.Host);
  traefikStatic.partial().parse(timeouts);

  const [{ services: [service] }, ...ofService] = lines(FIXES.kong);
  for (const part of [service, ...ofService]) kongServicePart.parse(part);
});

function lines({ route, host, timeouts }: Fixes) {
  const way = { gateway: "127.0.0.1:8000", prefix: "", path: "/realtime/v1/" };
  return [route, host, timeouts].map((text) => parse(text(way)));
}
