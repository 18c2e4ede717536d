import assert from "node:assert/strict";
import { ConfigError, readConfig } from "../../supabase/functions/relay/config/config.ts";
import { createAuthenticator } from "../../supabase/functions/relay/door/authenticate.ts";
import { authorizeKey, authorizeRole } from "../../supabase/functions/relay/door/authorize.ts";
import { assertRefused, attack, record, text } from "../support/attack.ts";
import { connect } from "../support/client.ts";
import { testOnHosts } from "../support/relay_host.ts";
import { relayEnv, withRelay } from "../support/served_relay.ts";
import { sign } from "../support/tokens.ts";

/** Of Supabase and of PostgreSQL itself. */
const PLATFORM = [
  ...["service_role", "postgres", "authenticator", "dashboard_user", "pgbouncer"],
  ...["supabase_admin", "supabase_auth_admin", "supabase_realtime_admin", "supabase_storage_admin"],
  ...["supabase_read_only_user", "supabase_replication_admin", "supabase_etl_admin", "supabase_x"],
  ...["pg_read_all_data", "pg_write_all_data", "pgsodium_keyholder", "pgtle_admin"],
  "cli_login_postgres",
];

/**
 * Names that PostgreSQL reads as one of those: Realtime casts the claim to regrole, which reads a name
 * as SQL does, and a number as an OID; `none` is what SET ROLE takes the connection's own role from.
 */
const SPELLINGS = [
  ...["Postgres", "POSTGRES", " postgres", "postgres ", "\tpostgres\n", '"postgres"'],
  ...[' "supabase_admin" ', "Supabase_Admin", "PG_READ_ALL_DATA", "10", "010", "16384", "none"],
];

/** Roles of people's own. */
const OWN = [
  ...[
    "authenticated",
    "anon",
    "editor",
    "postgres_reader",
    "my_postgres",
    "postgresql",
    "supabase",
  ],
  ...[
    "authenticator2",
    "the_authenticator",
    "pg",
    "pgadmin",
    "service",
    "service_role_2",
    "nobody",
  ],
  ...["dashboard_users", "nonexistent", "role10", "admin", "SUPABASE", "pguser"],
];

const project = (roles = "*") => {
  const config = readConfig({ ...relayEnv("http://127.0.0.1:1"), RELAY_ROLES: roles });
  const { authenticate } = createAuthenticator(config, fetch, Date.now);
  return { config, check: (token: string) => authenticate({ kind: "token", token }) };
};

Deno.test("a token of a platform role is refused, however the role is written", async () => {
  const { check, config } = project();
  for (const role of [...PLATFORM, ...SPELLINGS]) {
    await assert.rejects(check(await sign({ role })), { code: "secret_key" }, role);
    assert.throws(() => authorizeRole(role, config), { code: "role_forbidden" }, role);
    const forged = await sign({ role }, "nobody's");
    assert.throws(() => authorizeKey(forged, config), { code: "secret_key" }, role);
  }
});

Deno.test("a role of one's own gets in, whatever it reminds of", async () => {
  const { check, config } = project();
  for (const role of OWN) {
    assert.equal((await check(await sign({ role }))).kind, "user", role);
    authorizeKey(await sign({ role }), config);
  }
  await assert.rejects(check(await sign({ role: ["postgres"] })), { code: "token_claims" });
});

Deno.test("a platform role gets in by its own name in RELAY_ROLES, and by no other", async () => {
  for (const role of [...PLATFORM, "none", "10", "Postgres"]) {
    const { check } = project(`authenticated,${role}`);
    await check(await sign({ role }));
    await check(await sign());
    const others = [...PLATFORM, ...SPELLINGS].filter((it) => it !== role);
    for (const other of others) {
      await assert.rejects(check(await sign({ role: other })), { code: "secret_key" }, other);
    }
  }
  for (const roles of ["*", "authenticated", "*,authenticated", "supabase_*"]) {
    const { check } = project(roles);
    const rejection = assert.rejects(
      check(await sign({ role: "supabase_admin" })),
      { code: "secret_key" },
    );
    await rejection;
  }
});

Deno.test("a token of a platform role is no public key of a project", async () => {
  for (const role of ["postgres", "supabase_admin", "service_role"]) {
    const key = await sign({ role });
    for (const name of ["SUPABASE_ANON_KEY", "SUPABASE_PUBLISHABLE_KEY"]) {
      const env = { ...relayEnv("http://127.0.0.1:1"), [name]: key };
      assert.throws(() => readConfig(env), ConfigError, `${name} ${role}`);
    }
  }
});

testOnHosts("a platform role comes in neither by a handshake nor by a frame", async (host) => {
  const recorder = record();
  await withRelay(host, recorder, async ({ urlWith, upstream }) => {
    for (const role of ["postgres", "supabase_admin", "Postgres"]) {
      await assertRefused(urlWith(await sign({ role })), "secret_key");
    }
    assert.equal(upstream.dials(), 0);
    const token = JSON.stringify(await sign({ role: "postgres" }));
    const payloads = [
      ["phx_join", `{"config":{},"access_token":${token}}`],
      ["phx_join", `{"config":{},"user_token":${token}}`],
      ["access_token", `{"access_token":${token}}`],
    ];
    for (const vsn of ["1.0.0", "2.0.0"] as const) {
      for (const [event, payload] of payloads) {
        const client = connect(urlWith(await sign(), vsn));
        await client.opened;
        const frame = text(vsn, '"realtime:a"', JSON.stringify(event), payload);
        const { closed } = await attack(client, vsn, [frame]);
        assert.match(closed?.reason ?? "", /^secret_key: /, `${vsn} ${payload.slice(0, 30)}`);
      }
    }
    assert.deepEqual(recorder.frames, []);
  });
});
