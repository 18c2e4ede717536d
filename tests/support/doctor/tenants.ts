import type postgres from "postgres";
import { encrypt } from "../../../tools/doctor/tenant_secret.ts";
import { signToken } from "../../../tools/stack/keys.ts";
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
];

/** What can be wrong in Realtime's row about its tenant. */
export const TENANT_SET_UPS: SetUp[] = [
  {
    name: "a tenant of another name",
    expect: "tenant_row_missing",
    make: (stage) =>
      tenant(stage, {
        external_id: "supabase",
        jwt_secret: encrypt(secretOf(stage), { ecb: ECB }, false),
      }),
  },
  {
    name: "a stored secret from before JWT_SECRET was changed",
    ...{
      expect: "tenant_secret_stale",
      paste: /^update _realtime\.tenants set jwt_secret = '[\w+/]+=*'/,
    },
    make: async (stage) => [
      ...await tenant(stage, {
        jwt_secret: encrypt("the secret of last year", { ecb: ECB }, false),
      }),
      "--repair-tenant",
    ],
  },
  {
    name: "a stored secret that was encrypted with another DB_ENC_KEY",
    expect: "tenant_secret_undecryptable",
    make: (stage) =>
      tenant(stage, { jwt_secret: encrypt(secretOf(stage), { ecb: "another-16-bytes" }, false) }),
  },
  {
    name: "a secret by AES-256-GCM, and no key for it",
    expect: "tenant_gcm_key",
    make: (stage) => tenant(stage, { jwt_secret: encrypt(secretOf(stage), { gcm: GCM }, true) }),
  },
  {
    name: "a secret by AES-256-GCM, and another key",
    ...{ expect: "tenant_gcm_key", paste: /'g1:/ },
    make: async (stage) => [
      ...await tenant(stage, { jwt_secret: encrypt(secretOf(stage), { gcm: GCM }, true) }),
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
    make: (stage) =>
      tenant(stage, {
        jwt_secret: encrypt(secretOf(stage), { ecb: ECB }, false),
        suspend: true,
      }),
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
];
