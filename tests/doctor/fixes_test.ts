import assert from "node:assert/strict";
import { parse } from "yaml";
import { FIXES, linesFor, PROXIES as NAMES } from "../../tools/doctor/fixes/mod.ts";
import { LOGIN_LINES } from "../../tools/doctor/fixes/logins.ts";
import { wayOf } from "../../tools/doctor/fixes/way.ts";
import { describe } from "../../tools/doctor/findings/mod.ts";
import { PASTED, pasted, PATHS } from "./support/pasted.ts";
import { withDirectory } from "../support/directory.ts";
import { checkSyntax } from "../support/proxies/check.ts";
import { MISSING, PROXIES } from "../support/proxies/shipped.ts";

Deno.test({
  name: `the lines that the doctor prints pass the check of the proxy that they are for${MISSING}`,
  ignore: PROXIES.length === 0,
  async fn(t) {
    for (const name of PROXIES) {
      for (const topic of PASTED) {
        await t.step(`${name}: ${topic}`, async () => {
          for (const at of PATHS) {
            const said = await checkSyntax(name, pasted(name, topic, "127.0.0.1:1", at));
            assert.equal(said, undefined, `${at.prefix}${at.path}: ${said}`);
          }
        });
      }
    }
  },
});

Deno.test("lines are for the path and the gateway at hand", () => {
  const way = (url: string, gateway?: string) => wayOf(new URL(url), gateway);
  assert.deepEqual(way("https://a/realtime/v1/websocket"), {
    ...{ gateway: "127.0.0.1:8000", prefix: "", path: "/realtime/v1/" },
  });
  assert.deepEqual(way("https://a/supabase/realtime/v1/websocket", "kong:8001"), {
    ...{ gateway: "kong:8001", prefix: "/supabase", path: "/realtime/v1/" },
  });
  assert.deepEqual(way("https://a/functions/v1/relay/websocket"), {
    ...{ gateway: "127.0.0.1:8000", prefix: "", path: "/functions/v1/relay/" },
  });
  assert.deepEqual(way("https://a/live/relay/websocket"), {
    ...{ gateway: "127.0.0.1:8787", prefix: "", path: "/live/relay/" },
  });
  for (const name of NAMES) {
    const lines = linesFor("route", name, way("https://a/x/realtime/v1/websocket", "kong:8001"))!;
    assert.match(lines.join("\n"), /\/x\/realtime\/v1\//, name);
  }
});

Deno.test("what is YAML is YAML, and names the path", () => {
  for (const at of PATHS) {
    const way = { gateway: "127.0.0.1:8000", ...at };
    for (const name of ["traefik", "kong", "envoy"] as const) {
      for (const topic of ["route", "host", "timeouts"] as const) {
        assert.equal(typeof parse(FIXES[name][topic](way)), "object", `${name}: ${topic}`);
      }
    }
    const rules = parse(LOGIN_LINES.authelia(way, "app.example.com")).access_control.rules;
    const [resource] = rules[0].resources;
    assert.match(`${at.prefix}${at.path}websocket?apikey=x`, new RegExp(resource));
    assert.doesNotMatch(`/other${at.prefix}${at.path}`, new RegExp(resource));
    const [, route] = /"GET=(.*)"/.exec(LOGIN_LINES.oauth2_proxy(way, ""))!;
    assert.match(`${at.prefix}${at.path}websocket`, new RegExp(route));
    const [, path] = LOGIN_LINES.authentik(way, "").split("\n");
    assert.match(`${at.prefix}${at.path}websocket`, new RegExp(path));
  }
});

Deno.test("lines for a shell do in a shell what they say", () =>
  withDirectory(async (directory) => {
    const { settings } = describe("env_secret_key_base");
    const sh = new Deno.Command("sh", { args: ["-c", settings!], cwd: directory });
    assert.ok((await sh.output()).success);
    const text = await Deno.readTextFile(`${directory}/.env`);
    assert.match(text, /^SECRET_KEY_BASE=\S{64,}\n$/);
  }));
