import postgres from "postgres";
import { type Postgres, startPostgres } from "../../tools/stack/postgres/postgres.ts";
import { type Recipe, SOURCES, takeCopy } from "./template.ts";

export type Sql = postgres.Sql;
export type Transaction = postgres.TransactionSql;
export type Role = "anon" | "authenticated" | "service_role";

/** The two users that every database of `auth.users` has. */
export const ALICE = { id: "a11ce000-0000-4000-8000-000000000001", email: "alice@example.com" };
export const BOB = { id: "b0b00000-0000-4000-8000-000000000002", email: "bob@example.com" };

/** A database of its own, shaped like a Supabase project. */
export interface Database {
  url: string;
  /** As role postgres, which migrations run as. */
  sql: Sql;
  /** As superuser. */
  admin: Sql;
  /** What the server told so far by notices and warnings. */
  notices: string[];
  /** Runs `work` as a request with these claims would run, and commits. */
  as<T>(role: Role, claims: object, work: (sql: Transaction) => T): Promise<T>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** One server for one test file, in a directory of its own. */
export interface Cluster {
  postgres: Postgres;
  /**
   * A fresh database: right after the bootstrap; or also with auth.users, ALICE and BOB; or also
   * with this project's migrations.
   */
  database(kind: "bootstrapped" | "bare" | "migrated"): Promise<Database>;
  stop(): Promise<void>;
}

const MIGRATIONS = new URL("../../supabase/migrations/", import.meta.url);

const SETTINGS = { fsync: "off", full_page_writes: "off" };

/** After initdb and the bootstrap, with databases `bare` and `migrated` to copy. */
export const CLUSTER: Recipe = {
  name: "cluster",
  sources: SOURCES,
  async make(dataDir) {
    const server = await startPostgres({ dataDir, settings: SETTINGS });
    const admin = postgres(server.adminUrl, { max: 1, onnotice: () => {} });
    try {
      const bare = await copy(server, admin, "postgres", "bare");
      await addUsers(bare.admin);
      await bare[Symbol.asyncDispose]();
      const migrated = await copy(server, admin, "bare", "migrated");
      await applyMigrations(migrated.sql);
      await migrated[Symbol.asyncDispose]();
    } finally {
      await admin.end();
      await server.stop();
    }
  },
};

async function copy(
  server: Postgres,
  admin: Sql,
  template: string,
  name: string,
): Promise<Database> {
  await admin.unsafe(`create database ${name} template ${template} owner postgres`);
  return open(server, name);
}

/** Starts the server (half a second); databases are copies of a template (about 50 ms). */
export async function startCluster(): Promise<Cluster> {
  const dataDir = await takeCopy(CLUSTER);
  const server = await startPostgres({ dataDir, settings: SETTINGS });
  const admin = postgres(server.adminUrl, { max: 1, onnotice: () => {} });
  let count = 0;
  return {
    postgres: server,
    database: (kind) =>
      copy(server, admin, kind === "bootstrapped" ? "postgres" : kind, `test_${++count}`),
    async stop() {
      await admin.end();
      await server.stop();
      await Deno.remove(dataDir, { recursive: true });
    },
  };
}

/** The migrations in their order, as text. */
export async function readMigrations(): Promise<{ name: string; text: string }[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(MIGRATIONS)) names.push(name);
  return await Promise.all(
    names.sort().map(async (name) => ({
      name,
      text: await Deno.readTextFile(new URL(name, MIGRATIONS)),
    })),
  );
}

/** Runs each migration as it stands, in a transaction, as `db push` does; several times is fine. */
export async function applyMigrations(sql: Sql): Promise<void> {
  for (const { text } of await readMigrations()) {
    await sql.begin((transaction) => transaction.unsafe(text).simple());
  }
}

/** auth.users as a hosted project has it towards role postgres: readable, not its own. */
async function addUsers(admin: Sql): Promise<void> {
  await admin`create table auth.users (id uuid primary key, email text)`;
  await admin`alter table auth.users owner to supabase_auth_admin`;
  await admin`grant select, references on auth.users to postgres`;
  await admin`insert into auth.users ${admin([ALICE, BOB])}`;
}

function open(server: Postgres, name: string): Database {
  const url = (user: string) =>
    server.url.replace(/\/\/\w+:(.*)\/postgres$/, `//${user}:$1/${name}`);
  const notices: string[] = [];
  const connect = (user: string) =>
    postgres(url(user), { max: 2, onnotice: ({ message }) => void notices.push(message) });
  const [sql, admin, requests] = ["postgres", "supabase_admin", "authenticator"].map(connect);
  return {
    url: url("postgres"),
    sql,
    admin,
    notices,
    as: (role, claims, work) =>
      requests.begin(async (request) => {
        await request.unsafe(`set local role ${role}`);
        const json = JSON.stringify({ role, ...claims });
        await request`select set_config('request.jwt.claims', ${json}, true)`;
        return await work(request);
        // deno-lint-ignore no-explicit-any -- postgres.js unwraps arrays of promises in its types
      }) as Promise<any>,
    async [Symbol.asyncDispose]() {
      await Promise.all([sql, admin, requests].map((connections) => connections.end()));
    },
  };
}
