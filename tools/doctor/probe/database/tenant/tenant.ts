import { base64url, compactVerify } from "jose";
import type postgres from "postgres";
import { type Check, found, ok, skipped } from "../../../check.ts";
import { type Context, keyOf } from "../../../context.ts";
import type { Options } from "../../../options.ts";
import { readJwks } from "../../keys/jwks.ts";
import { decrypt, encrypt, isGcm } from "./tenant_secret.ts";

interface Tenant {
  external_id: string;
  jwt_secret: string | null;
  jwt_jwks?: { keys?: { kid?: string; kty?: string; k?: string }[] } | null;
  suspend?: boolean;
}

/** Realtime has channels of its own by this name, and the first broadcast of such a tenant crashes. */
const RESERVED = "realtime";

/** Self-hosted Realtime's own row about the project: is it there, and does it fit the secrets. */
export async function probeTenant(sql: postgres.Sql, context: Context): Promise<Check[]> {
  const { options } = context;
  const [{ exists }] = await sql`select to_regclass('_realtime.tenants') is not null as exists`;
  if (!exists) {
    return [skipped("tenant", "this database has no _realtime.tenants (hosted ones have none)")];
  }
  const tenants = (await sql`select to_jsonb(t) as t from _realtime.tenants t`)
    .map(({ t }) => t as Tenant);
  if (tenants.some(({ external_id }) => external_id === RESERVED)) {
    return [found("tenant_name_reserved", `there is a tenant named ${RESERVED}`)];
  }
  const tenant = tenants.find(({ external_id }) => external_id === options.tenant);
  if (!tenant) {
    const names = tenants.map(({ external_id }) => external_id).join(", ") || "none";
    return [found("tenant_row_missing", `wanted ${options.tenant}, there is ${names}`)];
  }
  if (tenant.suspend) {
    const paste = [
      `update _realtime.tenants set suspend = false where external_id = ${quote(options.tenant)};`,
    ];
    return [found("tenant_suspended", `${options.tenant} has suspend = true`, { paste })];
  }
  return [
    ok("tenant", `${options.tenant} has a row and is not suspended`),
    await judgeSecret(tenant, context),
    ...await judgeJwks(tenant, context),
  ];
}

async function judgeSecret({ jwt_secret: stored }: Tenant, context: Context): Promise<Check> {
  const { options } = context;
  const { jwtSecret, dbEncKey: ecb, dbEncKeyGcm: gcm } = options;
  if (!stored) return skipped("tenant", "the tenant has no jwt_secret, so it verifies by its JWKS");
  const repair = { paste: repairOf(stored, options) };
  if (isGcm(stored) && !gcm) {
    return found("tenant_gcm_key", "the secret begins with g1:, and DB_ENC_KEY_GCM was not given");
  }
  if (!isGcm(stored) && !ecb) return skipped("tenant", "its secret needs --db-enc-key to be read");
  const secret = decrypt(stored, { ecb, gcm });
  if (secret === undefined) {
    const id = isGcm(stored) ? "tenant_gcm_key" : "tenant_secret_undecryptable";
    const saw = "the stored secret does not decrypt with the key given";
    return found(id, saw, { ...repair, shows: ["enc_key_given"] });
  }
  const fits = await verifies(secret, keyOf(context));
  const shows = fits ? ["stored_fits" as const] : [];
  if (jwtSecret && secret !== jwtSecret) {
    const saw = `its secret decrypts, and is not the JWT secret given${
      fits ? "; the key was signed with the stored one" : ""
    }`;
    return found("tenant_secret_stale", saw, { ...repair, shows });
  }
  if (jwtSecret) return ok("tenant", "its secret decrypts, and is JWT_SECRET", ...shows);
  if (fits) return ok("tenant", "its secret decrypts, and the key was signed with it", ...shows);
  return skipped("tenant", "its secret decrypts; --jwt-secret is what to compare");
}

/** Whether a secret made the signature of this key, whatever its age. */
async function verifies(secret: string, key: string | undefined): Promise<boolean> {
  if (!key) return false;
  try {
    await compactVerify(key, new TextEncoder().encode(secret), { algorithms: ["HS256"] });
    return true;
  } catch {
    return false;
  }
}

/** The SQL that writes the secret anew, encrypted as it is now; only on demand, since it acts. */
function repairOf(stored: string, options: Options): string[] | undefined {
  const { jwtSecret, repairTenant, dbEncKey: ecb, dbEncKeyGcm: gcm, tenant } = options;
  if (!repairTenant) return undefined;
  if (!jwtSecret) return ["-- --repair-tenant needs --jwt-secret"];
  try {
    return [
      `update _realtime.tenants set jwt_secret = ${
        quote(encrypt(jwtSecret, { ecb, gcm }, isGcm(stored)))
      }`,
      `where external_id = ${quote(tenant)};`,
      "-- then restart Realtime, which keeps tenants in memory",
    ];
  } catch {
    return ["-- the key does not have the length that its cipher needs: 16 or 32 characters"];
  }
}

/** Whether the tenant holds every key that the project signs with today. */
async function judgeJwks({ jwt_jwks }: Tenant, { target, options }: Context): Promise<Check[]> {
  const { jwtSecret } = options;
  const secrets = jwt_jwks?.keys?.filter(({ kty }) => kty === "oct").map(({ k }) => k) ?? [];
  if (jwtSecret && secrets.length > 0 && !secrets.includes(base64url.encode(jwtSecret))) {
    return [found("tenant_jwks_stale", "the secret key in its JWKS is not JWT_SECRET")];
  }
  const kids = await projectKids(target.project, options.waitMs);
  const stored = jwt_jwks?.keys?.map(({ kid }) => kid) ?? [];
  const lacking = kids.filter((kid) => !stored.includes(kid));
  if (lacking.length > 0) return [found("tenant_jwks_stale", `it lacks ${lacking.join(", ")}`)];
  return kids.length > 0 ? [ok("tenant", "its JWKS holds every key of the project's")] : [];
}

/** The kids of the project's public keys; none where there is no JWKS, as with HS256 alone. */
async function projectKids(project: URL | undefined, waitMs: number): Promise<string[]> {
  if (!project) return [];
  try {
    const { keys } = await readJwks(project, waitMs);
    return keys.flatMap(({ kid }) => kid ?? []);
  } catch {
    return [];
  }
}

const quote = (text: string) => `'${text.replaceAll("'", "''")}'`;
