import assert from "node:assert/strict";
import { passageOf } from "../../deploy/pass/passage.ts";

/** As servers behind may read it, which decode names or merge slashes. */
const S3_SPELLED = [
  "/storage/v1/%733/b",
  "/storage/v1//s3/b",
  "/storage/v1/s%2533",
  "/storage/v1/s3;x/b",
];

const ALL = ["rest", "auth", "storage", "functions", "graphql"];

/** Where a target goes, or the code of its refusal. */
function goes(target: string, services = ALL): string {
  try {
    const passage = passageOf(target, services);
    return passage.to === "relay" ? `relay ${passage.target}` : "project";
  } catch (error) {
    return (error as { code: string }).code;
  }
}

/** What people are told to ask a relay of their own, and what asks it for them. */
const ASKING: Record<string, RegExp> = {
  "deploy/node/Dockerfile": /PORT\}(\/[^`]+)`/g,
  "deploy/metrics/prometheus.yml": /metrics_path: (\S+)/g,
  "docs/DEPLOY.md": /^curl .*https?:\/\/[^/]+(?::8787|\.workers\.dev)(\/\S+)$/gm,
};

Deno.test("what is shipped asks the relay where it is, with RELAY_PASS as without", () => {
  for (const [file, path] of Object.entries(ASKING)) {
    const text = Deno.readTextFileSync(new URL(`../../${file}`, import.meta.url));
    const asked = [...text.matchAll(path)].map(([, target]) => target);
    assert.ok(asked.length > 0, file);
    for (const target of asked) assert.equal(goes(target), `relay ${target}`, file);
  }
});

Deno.test("the relay's own paths are exactly these", () => {
  const own: Record<string, string> = {
    "/functions/v1/relay": "/functions/v1/relay",
    "/functions/v1/relay/health": "/functions/v1/relay/health",
    "/functions/v1/relay/websocket?vsn=1.0.0": "/functions/v1/relay/websocket?vsn=1.0.0",
    "/realtime/v1/websocket?apikey=x": "/functions/v1/relay/websocket?apikey=x",
    "/realtime/v1/api/broadcast": "/functions/v1/relay/api/broadcast",
    "/realtime/v1/api/broadcast/a%2Fb/events/c?private=true":
      "/functions/v1/relay/api/broadcast/a%2Fb/events/c?private=true",
  };
  for (const [target, known] of Object.entries(own)) assert.equal(goes(target), `relay ${known}`);
  const others = [
    "/realtime/v1/",
    "/realtime/v1/websocket/",
    "/realtime/v1/longpoll",
    "/realtime/v1/api/tenants/x/health",
    "/realtime/v1/%77ebsocket",
    "/relay/websocket",
    "/x/functions/v1/relay",
    "/",
    "/pg/query",
    "/functions/v2/relay",
  ];
  for (const target of others) assert.equal(goes(target), "not_found", target);
});

Deno.test("what is named like the relay is the project's", () => {
  const targets = [
    "/rest/v1/relay",
    "/rest/v1/relay/health?select=*",
    "/functions/v1/relay-x",
    "/storage/v1/object/public/b/relay",
    "/storage/v1/object/b/functions/v1/relay/websocket",
    "/auth/v1/token?grant_type=password",
    "/rest/v1/",
    "/graphql/v1",
  ];
  for (const target of targets) assert.equal(goes(target), "project", target);
});

Deno.test("a path that may mean another one is refused, in every spelling", () => {
  const dots = ["..", ".", "%2e%2e", "%2E.", ".%2e", "%252e%252e", "..;x", "%25252e."];
  // The signs of an escape may be escapes themselves.
  dots.push("%2%65.", "%25%32%65%25%32%65", "%2%%36%35.");
  const slashes = ["%2f", "%2F", "%5c", "\\", "%252f", "%255C", "%2%66", "%25%32%46", "%5%63"];
  for (const dot of dots) {
    assert.equal(goes(`/rest/v1/${dot}/realtime/v1/api/tenants`), "bad_request", dot);
    assert.equal(goes(`/rest/v1/a/${dot}`), "bad_request", dot);
    assert.equal(goes(`/storage/v1/object/public/b/${dot}/secret`), "bad_request", dot);
    for (const slash of slashes) {
      assert.equal(goes(`/storage/v1/object/b/a${slash}${dot}${slash}c`), "bad_request");
    }
  }
  for (const slash of slashes) {
    assert.equal(goes(`/rest/v1${slash}x/y`) === "project", false, slash);
    assert.equal(goes(`/rest/v1/a${slash}b`), "bad_request", slash);
    assert.equal(goes(`/auth/v1/${slash}admin`), "bad_request", slash);
  }
  for (
    const odd of ["http://evil.test/rest/v1/x", "rest/v1", "*", "/rest/v1/\u00e9", "/rest/v1/a b"]
  ) {
    assert.equal(goes(odd), "bad_request", odd);
  }
  for (const odd of ["//rest/v1/x", "/REST/v1/x", "/rest//v1/x", "/rest/v1x"]) {
    assert.equal(goes(odd), "not_found", odd);
  }
});

Deno.test("a target has no fragment: a key would stand there unseen, and servers differ in what it is", () => {
  const targets = ["/rest/v1/x#y", "/rest/v1/x?a=1#&apikey=sb_secret_x", "/storage/v1/s3#/b"];
  targets.push("/functions/v1/relay#/x", "/storage/v1/object/public/b/a#b");
  for (const target of targets) assert.equal(goes(target), "bad_request", target);
});

Deno.test("an object has any name but one that climbs", () => {
  const names = ["a%2Fb", "a%5Cb", "100%25", "%25252f", "a..b", "...", "%C3%A9", "relay", "a;b"];
  for (const name of names) {
    assert.equal(goes(`/storage/v1/object/public/bucket/${name}`), "project", name);
  }
});

Deno.test("only what is listed passes, and S3 never", () => {
  assert.equal(goes("/rest/v1/x", ["auth"]), "not_found");
  assert.equal(goes("/auth/v1/x", ["auth"]), "project");
  for (const target of ["/storage/v1/s3", "/storage/v1/s3/bucket/key", ...S3_SPELLED]) {
    assert.equal(goes(target), "not_found");
  }
});
