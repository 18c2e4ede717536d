/** `deno task token`: a JWT for the local stack, from the command line. */
import { resolve } from "node:path";
import { DEFAULT_DATA_DIR, readOptions, UsageError } from "./cli/options.ts";
import { note } from "./cli/show.ts";
import { readKeys, signToken } from "./keys.ts";
import { reasonOf } from "./log.ts";

const HELP = `Prints a JWT that the local stack accepts, signed with its secret.

deno task token [options]

  --role ROLE    anon, authenticated or service_role (default authenticated)
  --sub UUID     the user's id (default for authenticated: a new one)
  --expires TIME from now: 90s, 15m, 1h, 7d; with a minus, an expired one (default 1h)
  --data DIR     the stack's data directory (default .data)
  --help         prints this`;

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

function readSettings(args: string[]) {
  const options = readOptions(args, {
    role: { type: "string", default: "authenticated" },
    sub: { type: "string" },
    expires: { type: "string", default: "1h" },
    data: { type: "string", default: DEFAULT_DATA_DIR },
    help: { type: "boolean", default: false },
  });
  const { role, sub, expires, data, help } = options;
  if (!["anon", "authenticated", "service_role"].includes(role)) {
    throw new UsageError(`--role wants anon, authenticated or service_role, not "${role}".`);
  }
  if (sub !== undefined && !UUID.test(sub)) {
    throw new UsageError(`--sub wants a UUID, as in auth.users, not "${sub}".`);
  }
  const [, amount, unit] = expires.match(/^(-?\d{1,9})([smhd])$/) ?? [];
  if (!unit) {
    throw new UsageError(`--expires wants a time such as 90s, 15m, 1h or 7d, not "${expires}".`);
  }
  return { role, sub, seconds: Number(amount) * UNITS[unit], dataDir: resolve(data), help };
}

/** The claims that Auth gives to a user; the other roles have nothing but their name. */
function claimsOf(role: string, sub: string | undefined): Record<string, unknown> {
  if (role === "authenticated") return { sub: sub ?? crypto.randomUUID(), aud: role, role };
  return sub ? { sub, role } : { role };
}

async function main(): Promise<number> {
  try {
    const { role, sub, seconds, dataDir, help } = readSettings(Deno.args);
    if (help) {
      console.log(HELP);
      return 0;
    }
    const keys = await readKeys(dataDir);
    if (!keys) {
      note(`There is no stack in ${dataDir}: run \`deno task dev\` once, or name its --data.`);
      return 1;
    }
    console.log(await signToken(keys.jwtSecret, claimsOf(role, sub), seconds));
    return 0;
  } catch (error) {
    note(reasonOf(error));
    return error instanceof UsageError ? 2 : 1;
  }
}

Deno.exit(await main());
