import type postgres from "postgres";
import assert from "node:assert/strict";
import { decrypt, encrypt } from "../../../tools/doctor/probe/database/tenant/tenant_secret.ts";
import { signToken } from "../../../tools/stack/keys.ts";
import { nginx } from "../../support/proxies/configurations.ts";
import { ownPort } from "../../support/proxies/ports.ts";
import { startUpstream } from "../../support/upstream.ts";
import type { SetUp, Stage } from "./stage.ts";

const ECB = "supabaserealtime";
const GCM = "a key of tests, of 32 characters";

/** Self-hosted Realtime's own table, as its migrations make it. */
async function makeTenants(sql: postgres.Sql): Promise<void> {
  await sql`create schema _realtime`;
  await sql`
    create table _realtime.tenants (
      id uuid primary key default gen_random_uuid(), name varchar(255), external_id varchar(255),
      jwt_secret text, jwt_jwks jsonb, max_concurrent_users int not null default 200,
      suspend boolean default false, inserted_at timestamp default now(),
      updated_at timestamp default now()
    )
  `;
}

interface Row {
  external_id?: string;
  jwt_secret: string;
  suspend?: boolean;
}

/** A Realtime that says so to every socket: what its tenant's row has wrong. */
function refusing({ after }: Stage, error: string, status = 401): string {
  const upstream = startUpstream({ refuse: () => Response.json({ error }, { status }) });
  after(upstream.stop);
  return `${upstream.url}/realtime/v1`;
}

const SIGNATURE = "Failed to validate JWT signature";

/** The same, in front of a Realtime that refuses. */
async function refused(stage: Stage, row: Row, error = SIGNATURE): Promise<string[]> {
  const [, ...args] = await tenant(stage, row);
  return [refusing(stage, error), ...args];
}

/** A tenant in the stack's database, and the arguments that lead the doctor to it. */
async function tenant({ sql, stack, after }: Stage, row: Row): Promise<string[]> {
  await makeTenants(sql);
  after(() => sql`drop schema _realtime cascade`);
  await sql`insert into _realtime.tenants ${sql({ external_id: "realtime-dev", ...row })}`;
  const { API_URL, DB_URL, JWT_SECRET } = stack.info;
  return [API_URL, "--quick", "--db", DB_URL, "--jwt-secret", JWT_SECRET, "--db-enc-key", ECB];
}

const secretOf = ({ stack }: Stage) => stack.info.JWT_SECRET;

/** Everything right, by both ciphers: no false alarm. */
export const HEALTHY_TENANTS: { name: string; make: (stage: Stage) => Promise<string[]> }[] = [
  {
    name: "a tenant whose secret is encrypted by AES-128-ECB",
    make: (stage) => tenant(stage, { jwt_secret: encrypt(secretOf(stage), { ecb: ECB }, false) }),
  },
  {
    name: "a tenant whose secret is encrypted by AES-256-GCM",
    make: async (stage) => [
      ...await tenant(stage, { jwt_secret: encrypt(secretOf(stage), { gcm: GCM }, true) }),
      ...["--db-enc-key-gcm", GCM],
    ],
  },
  {
    name: "the same at a server that works, without the key to read it by",
    make: (stage) => tenant(stage, { jwt_secret: encrypt(secretOf(stage), { gcm: GCM }, true) }),
  },
];

/** What can be wrong in Realtime's row about its tenant. */
export const TENANT_SET_UPS: SetUp[] = [
  {
    name: "a tenant of another name",
    expect: "tenant_row_missing",
    make: (stage) =>
      refused(
        stage,
        {
          external_id: "supabase",
          jwt_secret: encrypt(secretOf(stage), { ecb: ECB }, false),
        },
        "Tenant not found",
      ),
  },
  {
    name: "a stored secret from before JWT_SECRET was changed",
    ...{
      expect: "tenant_secret_stale",
      paste: /^update _realtime\.tenants set jwt_secret = '[\w+/]+=*'/,
    },
    async mend(stage, paste) {
      await stage.sql.unsafe(paste.join("\n")).simple();
      const [{ jwt_secret }] = await stage.sql`select jwt_secret from _realtime.tenants`;
      assert.equal(decrypt(jwt_secret, { ecb: ECB }), secretOf(stage));
      return undefined;
    },
    make: async (stage) => [
      ...await refused(stage, {
        jwt_secret: encrypt("the secret of last year", { ecb: ECB }, false),
      }),
      "--repair-tenant",
    ],
  },
  {
    name: "a stored secret that was encrypted with another DB_ENC_KEY",
    expect: "tenant_secret_undecryptable",
    make: (stage) =>
      refused(stage, { jwt_secret: encrypt(secretOf(stage), { ecb: "another-16-bytes" }, false) }),
  },
  {
    name: "a secret by AES-256-GCM, and no key for it",
    expect: "tenant_gcm_key",
    make: (stage) => refused(stage, { jwt_secret: encrypt(secretOf(stage), { gcm: GCM }, true) }),
  },
  {
    name: "a secret by AES-256-GCM, and another key",
    ...{ expect: "tenant_gcm_key", paste: /'g1:/ },
    make: async (stage) => [
      ...await refused(stage, { jwt_secret: encrypt(secretOf(stage), { gcm: GCM }, true) }),
      ...["--db-enc-key-gcm", GCM.toUpperCase(), "--repair-tenant"],
    ],
  },
  {
    name: "a JWKS of the tenant that holds an old secret",
    expect: "tenant_jwks_stale",
    make: async (stage) => {
      const jwt_secret = encrypt(secretOf(stage), { ecb: ECB }, false);
      const args = await tenant(stage, { jwt_secret });
      const jwks = { keys: [{ kty: "oct", k: "b2xk" }] };
      await stage.sql`update _realtime.tenants set jwt_jwks = ${stage.sql.json(jwks)}`;
      return args;
    },
  },
  {
    name: "a tenant that is suspended",
    ...{ expect: "tenant_suspended", paste: /suspend = false/ },
    async mend({ sql }, paste) {
      await sql.unsafe(paste.join("\n"));
      const [{ suspend }] = await sql`select suspend from _realtime.tenants`;
      assert.equal(suspend, false);
      return undefined;
    },
    make: (stage) =>
      refused(
        stage,
        { jwt_secret: encrypt(secretOf(stage), { ecb: ECB }, false), suspend: true },
        "Realtime was disabled for this tenant",
      ),
  },
  {
    name: "a Realtime that refuses the signature because its tenant holds an old secret",
    expect: "tenant_secret_stale",
    make: async (stage) => {
      const now = "the secret of this year, of 32 characters";
      const key = await signToken(now, { role: "anon" }, 3600);
      const [url] = await tenant(stage, {
        jwt_secret: encrypt(stage.stack.info.JWT_SECRET, { ecb: ECB }, false),
      });
      return [
        ...[url, "--quick", "--db", stage.stack.info.DB_URL, "--db-enc-key", ECB],
        ...["--jwt-secret", now, "--key", key],
      ];
    },
  },
  // What works proves itself: no repair is printed for it.
  {
    name: "a healthy server, and the JWT secret of another project",
    ...{ expect: "given_secret_differs", says: /not the one that this server verifies by/ },
    ...{ paste: /^$/ },
    make: async (stage) => [
      ...await tenant(stage, { jwt_secret: encrypt(secretOf(stage), { ecb: ECB }, false) }),
      ...["--jwt-secret", "the secret of another project, longer than 32", "--repair-tenant"],
    ],
  },
  {
    name: "the same behind a front that drops the upgrade, where the gateway opens by itself",
    ...{ expect: "upgrade_dropped", hop: "the front", never: /update _realtime/, needs: "nginx" },
    make: async (stage) => {
      const { API_URL } = stage.stack.info;
      const [, ...args] = await tenant(stage, {
        jwt_secret: encrypt(secretOf(stage), { ecb: ECB }, false),
      });
      return [
        await stage.proxy("nginx", nginx(`location / { proxy_pass ${API_URL}; }`)),
        ...[...args, "--direct", API_URL, "--repair-tenant"],
        ...["--jwt-secret", "the secret of another project, longer than 32"],
      ];
    },
    also: ["given_secret_differs"],
  },
  {
    name: "a relay, and the JWT secret and DB_ENC_KEY of another project",
    ...{ expect: "given_enc_key_differs", never: /update _realtime/ },
    make: async (stage) => {
      const [, ...args] = await tenant(stage, {
        jwt_secret: encrypt(secretOf(stage), { ecb: ECB }, false),
      });
      return [
        ...[stage.stack.info.RELAY_URL, ...args, "--db-enc-key", "another-16-bytes"],
        ...["--repair-tenant", "--key", stage.stack.info.PUBLISHABLE_KEY],
      ];
    },
  },
  {
    name: "the same by a publishable key",
    ...{ expect: "given_secret_differs", paste: /^$/ },
    make: async (stage) => [
      ...await tenant(stage, { jwt_secret: encrypt(secretOf(stage), { ecb: ECB }, false) }),
      ...["--jwt-secret", "the secret of another project, longer than 32", "--repair-tenant"],
      ...["--key", stage.stack.info.PUBLISHABLE_KEY],
    ],
  },
  {
    name: "a server that is not reached, the JWT secret of another project, and the tenant's key",
    ...{ expect: "tcp_refused" },
    make: async (stage) => [
      `http://127.0.0.1:${ownPort()}`,
      ...(await tenant(stage, { jwt_secret: encrypt(secretOf(stage), { ecb: ECB }, false) }))
        .slice(1),
      ...["--jwt-secret", "the secret of another project, longer than 32", "--repair-tenant"],
    ],
    also: ["given_secret_differs"],
  },
  {
    name: "a healthy server, and the DB_ENC_KEY of another",
    ...{ expect: "given_enc_key_differs", paste: /^$/ },
    make: async (stage) => [
      ...await tenant(stage, { jwt_secret: encrypt(secretOf(stage), { ecb: ECB }, false) }),
      ...["--db-enc-key", "another-16-bytes", "--repair-tenant"],
    ],
  },
  {
    name: "a healthy server, and the DB_ENC_KEY_GCM of another",
    ...{ expect: "given_enc_key_differs", paste: /^$/ },
    make: async (stage) => [
      ...await tenant(stage, { jwt_secret: encrypt(secretOf(stage), { gcm: GCM }, true) }),
      ...["--db-enc-key-gcm", GCM.toUpperCase(), "--repair-tenant"],
    ],
  },
];
