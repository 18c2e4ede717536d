import assert from "node:assert/strict";
import { addressOf } from "../../supabase/functions/relay/door/address.ts";
import type { Identity } from "../../supabase/functions/relay/door/identity.ts";
import { authorizeRole } from "../../supabase/functions/relay/door/authorize.ts";
import {
  authorizeBroadcast,
  authorizeJoin,
  authorizePush,
} from "../../supabase/functions/relay/door/policy.ts";
import { type Policy, readConfig } from "../../supabase/functions/relay/config/config.ts";
import { attack, record, text } from "../support/attack.ts";
import { connect } from "../support/client.ts";
import { testOnHosts } from "../support/relay_host.ts";
import { withRelay } from "../support/served_relay.ts";
import { sign } from "../support/tokens.ts";

const configWith = (policy: Record<string, Policy>, env: Record<string, string> = {}) =>
  readConfig({
    SUPABASE_URL: "https://abc.supabase.co",
    SUPABASE_ANON_KEY: "anon",
    RELAY_POLICY: JSON.stringify(policy),
    ...env,
  });
const user = (role: string): Identity => ({
  kind: "user",
  id: "a",
  who: "a",
  role,
  expiresAt: 4e9,
  token: "t",
});
const viewer: Identity = { kind: "anonymous" };

/** The code that a check throws, or `ok`. */
function codeOf(check: () => void): string {
  try {
    check();
    return "ok";
  } catch (error) {
    return (error as { code: string }).code;
  }
}

Deno.test("a topic is allowed by its whole name, or by what stands before a trailing star", () => {
  const cases: [string[] | undefined, string, string][] = [
    [undefined, "anything", "ok"],
    [[], "anything", "topic_forbidden"],
    [["*"], "", "ok"],
    [["room"], "room", "ok"],
    [["room"], "room2", "topic_forbidden"],
    [["room:*"], "room:", "ok"],
    [["room:*"], "room", "topic_forbidden"],
    [["room:*"], "aroom:1", "topic_forbidden"],
    [["a", "room:*"], "room:1:2", "ok"],
    [["room:*"], "realtime:room:1", "topic_forbidden"],
  ];
  for (const [topics, topic, code] of cases) {
    const config = configWith({ "*": { topics } });
    const name = `${topics} ${topic}`;
    const join = () => authorizeJoin(user("u"), `realtime:${topic}`, {}, new Set(), config);
    assert.equal(codeOf(join), code, name);
    assert.equal(codeOf(() => authorizePush(user("u"), `realtime:${topic}`, config)), code, name);
    const post = () => authorizeBroadcast(user("u"), topic, false, config);
    assert.equal(codeOf(post), code, name);
  }
});

Deno.test("a binding must be covered whole by the allowed tables", () => {
  const binding = (schema?: unknown, table?: unknown) => ({ event: "*", schema, table });
  const cases: [string[], unknown, string][] = [
    [["public.a"], binding("public", "a"), "ok"],
    [["public.a"], binding("public", "ab"), "table_forbidden"],
    [["public.a"], binding("public"), "table_forbidden"],
    [["public.*"], binding("public"), "ok"],
    [["public.*"], binding("public", "*"), "ok"],
    [["public.*"], binding("publicity", "a"), "table_forbidden"],
    [["public.a*"], binding("public", "*"), "table_forbidden"],
    [["public.*"], binding("*", "a"), "table_forbidden"],
    [["public.*"], binding("*"), "table_forbidden"],
    [["*"], binding("*"), "ok"],
    [["public.*"], binding("public.x", "a"), "table_forbidden"],
    [["public.*"], binding(undefined, "a"), "table_forbidden"],
    [["public.*"], null, "table_forbidden"],
    [["public.*"], "public", "table_forbidden"],
    [[], binding("public", "a"), "table_forbidden"],
    [["*"], null, "table_forbidden"],
  ];
  assertBindings(cases);
});

Deno.test("Realtime looks a binding up by LIKE, so what that finds must be allowed", () => {
  const forbidden: [string[], [string, string?]][] = [
    [["public.user_*"], ["public", "user_%"]],
    [["public.user_*"], ["public", "user_"]],
    [["public.user_*"], ["public", "user_notes"]],
    [["public.user_*"], ["public", "user______"]],
    [["public.user_notes"], ["public", "user_note_"]],
    [["public.user_notes"], ["public", "user__otes"]],
    [["public.user_notes"], ["public", "user%notes"]],
    [["public.user_notes"], ["publi_", "user_notes"]],
    [["public.user_notes"], ["_ublic", "user_notes"]],
    [["public.user_notes"], ["%", "user_notes"]],
    [["public.user_notes"], ["public", "user\\_notes"]],
    [["public.usernotes"], ["public", "user_notes"]],
    [["public.userXnotes"], ["public", "user_notes"]],
    [["public.orders"], ["public", "______"]],
    [["public.orders"], ["public", "orders%"]],
    [["public.orders"], ["public", "%orders"]],
    [["public.orders"], ["public", "\\orders"]],
    [["public.orders"], ["public", "orders\\"]],
    [["public.orders*"], ["public", "order_"]],
    [["public.orders*"], ["public", "orders%"]],
    [["public.*"], ["publi_", "orders"]],
    [["public.*"], ["publi_"]],
    [["public.*"], ["______", "orders"]],
    [["public.*"], ["%"]],
    [["public.*"], ["public", "%"]],
    [["public.*"], ["public%", "orders"]],
    [["public.*"], ["publi\\c", "orders"]],
    [["my_app.*"], ["my_app", "orders"]],
    [["my_app.*"], ["my_app"]],
    [["*"], ["%", "%"]],
    [["*"], ["public", "a\\"]],
    [["public.user_*"], ["public", "user_*"]],
  ];
  const allowed: [string[], [string, string?]][] = [
    [["public.user_notes"], ["public", "user_notes"]],
    [["public.user_*", "public.user_notes"], ["public", "user_notes"]],
    [["public._"], ["public", "_"]],
    [["my_app.orders"], ["my_app", "orders"]],
    [["public.*"], ["public", "user_notes"]],
    [["public.*"], ["public", "_"]],
    [["public.user*"], ["public", "user_notes"]],
    [["pub*"], ["publi_", "orders"]],
    [["*"], ["my_app", "user_notes"]],
    [["*"], ["_"]],
    [["*"], ["*", "user_notes"]],
  ];
  const rows = (list: typeof allowed, code: string) =>
    list.map(([tables, [schema, table]]): [string[], unknown, string] => [
      tables,
      { event: "*", schema, table },
      code,
    ]);
  assertBindings(rows(forbidden, "table_forbidden"));
  assertBindings(rows(allowed, "ok"));
});

/** What a role with these tables is told of a join with this binding. */
function assertBindings(cases: [tables: string[], given: unknown, code: string][]): void {
  const beside = { event: "*", schema: "public", table: "a" };
  for (const [tables, given, code] of cases) {
    const config = configWith({ "*": { tables } });
    const join = (bindings: unknown) =>
      codeOf(() =>
        authorizeJoin(user("u"), "realtime:a", { postgres_changes: bindings }, new Set(), config)
      );
    const name = `${tables} ${JSON.stringify(given)}`;
    assert.equal(join([given]), code, name);
    if (code !== "ok") assert.equal(join([beside, given]), code, name);
    assert.equal(join([]), "ok", "a channel without changes needs no table");
    assert.equal(join(undefined), "ok");
    assert.equal(join({ length: 1, 0: given }), "table_forbidden");
  }
}

Deno.test("a join without a config subscribes a schema, so it is refused where tables are limited", () => {
  const join = (tables: string[] | undefined, joinConfig: unknown, topic = "realtime:public") =>
    codeOf(() =>
      authorizeJoin(user("u"), topic, joinConfig, new Set(), configWith({ "*": { tables } }))
    );
  for (const tables of [["public.*"], ["*"], ["public.a"], []]) {
    for (const joinConfig of [undefined, null, [], "x", 1]) {
      assert.equal(join(tables, joinConfig), "table_forbidden");
      assert.equal(join(tables, joinConfig, "realtime:public:a"), "table_forbidden");
    }
    assert.equal(join(tables, {}), "ok", "no binding, no table");
  }
  assert.equal(join(undefined, undefined), "ok");
});

Deno.test("a role has the policy of its name, else the one of the star, else all rights", () => {
  const config = configWith({ anon: { topics: ["a"] }, "*": { readOnly: true }, b: {} });
  const push = (identity: Identity, topic = "realtime:a") =>
    codeOf(() => authorizePush(identity, topic, config));
  assert.deepEqual([push(viewer), push(viewer, "realtime:b")], ["ok", "topic_forbidden"]);
  assert.equal(push(user("b")), "ok");
  for (const role of ["c", "constructor", "__proto__", "toString", "*"]) {
    assert.equal(push(user(role)), "read_only", role);
  }
  assert.equal(codeOf(() => authorizePush(user("c"), "realtime:a", configWith({}))), "ok");
});

Deno.test("private channels only means private: true, by socket and by HTTP", () => {
  const config = configWith({ "*": { privateOnly: true } });
  const join = (value: unknown) =>
    codeOf(() => authorizeJoin(user("u"), "realtime:a", value, new Set(), config));
  assert.equal(join({ private: true }), "ok");
  for (const value of [undefined, null, {}, { private: "true" }, { private: 1 }, [true], "x"]) {
    assert.equal(join(value), "private_only");
  }
  assert.equal(codeOf(() => authorizeBroadcast(user("u"), "a", true, config)), "ok");
  assert.equal(codeOf(() => authorizeBroadcast(user("u"), "a", false, config)), "private_only");
});

Deno.test("every role may come but service_role, unless the roles are named", () => {
  const role = (name: string, roles: string) =>
    codeOf(() => authorizeRole(name, configWith({}, { RELAY_ROLES: roles })));
  assert.equal(role("editor", "*"), "ok");
  assert.equal(role("editor", "authenticated, editor"), "ok");
  assert.equal(role("edito", "authenticated, editor"), "role_forbidden");
});

Deno.test("an address is what the outermost trusted proxy wrote, without port or host part", () => {
  const cases: [string | undefined, number, string | undefined][] = [
    ["1.1.1.1", 0, undefined],
    [undefined, 1, undefined],
    ["", 1, undefined],
    ["1.1.1.1", 2, undefined],
    ["6.6.6.6, 1.1.1.1", 1, "1.1.1.1"],
    ["6.6.6.6, 1.1.1.1,10.0.0.1", 2, "1.1.1.1"],
    ["6.6.6.6,, 1.1.1.1", 2, undefined],
    ["1.1.1.1:5678", 1, "1.1.1.1"],
    ["::ffff:1.1.1.1", 1, "1.1.1.1"],
    ["::FFFF:102:a04", 1, "1.2.10.4"],
    ["0:0:0:0:0:ffff:1.1.1.1", 1, "1.1.1.1"],
    ["[0000:0000:0000:0000:0000:ffff:0102:0a04]:443", 1, "1.2.10.4"],
    ["0::FFFF:1.1.1.1", 1, "1.1.1.1"],
    ["::0:ffff:102:a04", 1, "1.2.10.4"],
    ["::ffff:1.1.1.1:5678", 1, "1.1.1.1"],
    ["::ffff:1.1.1.1%eth0", 1, "1.1.1.1"],
    ["::ffff:0:1.1.1.1", 1, "1.1.1.1"],
    ["64:ff9b::1.1.1.1", 1, "1.1.1.1"],
    ["[0064:FF9B::102:a04]:443", 1, "1.2.10.4"],
    ["64:ff9b:1::1.1.1.1", 1, "64:ff9b:1:0"],
    ["::ffff:1:1.1.1.1", 1, "0:0:0:0"],
    ["::ffff:1.1.1", 1, "0:0:0:0"],
    ["fe80::1%eth0", 1, "fe80:0:0:0"],
    ["2001:DB8:0001:02::3", 1, "2001:db8:1:2"],
    ["[2001:db8::1]:443", 1, "2001:db8:0:0"],
    ["::1", 1, "0:0:0:0"],
    ["unknown", 1, "unknown"],
  ];
  for (const [value, proxies, address] of cases) {
    const headers = new Headers(value === undefined ? {} : { "x-forwarded-for": value });
    assert.equal(addressOf(headers, proxies), address, `${value} ${proxies}`);
  }
});

testOnHosts("a refusal is answered on its channel, in the client's format", async (host) => {
  const env = { RELAY_POLICY: JSON.stringify({ "*": { topics: ["room"], readOnly: true } }) };
  const recorder = record();
  await withRelay(host, { ...recorder, env }, async ({ urlWith }) => {
    for (const vsn of ["1.0.0", "2.0.0"] as const) {
      const client = connect(urlWith(await sign(), vsn));
      await client.opened;
      client.send(text(vsn, '"realtime:other"', '"phx_join"', '{"config":{}}', '"7"'));
      const reason = "topic_forbidden: Join a topic that RELAY_POLICY allows to this role.";
      const payload = { status: "error", response: { reason } };
      const frame = vsn === "2.0.0"
        ? ["1", "7", "realtime:other", "phx_reply", payload]
        : { ref: "7", event: "phx_reply", topic: "realtime:other", payload };
      assert.equal(await client.next(), JSON.stringify(frame));
      const silent = text(vsn, '"realtime:room"', '"broadcast"', "{}", "null");
      assert.deepEqual(await attack(client, vsn, [silent]), { refused: [] }, "without ref");
      client.socket.close();
      await client.closed;
    }
    assert.equal(recorder.frames.length, 0);
  });
});
