import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import postgres from "postgres";
import { openCluster } from "../../tools/stack/postgres/cluster.ts";
import { freePort, isFree } from "../../tools/stack/postgres/free_port.ts";
import {
  type Postgres,
  type PostgresOptions,
  startPostgres,
} from "../../tools/stack/postgres/postgres.ts";
import { CLUSTER } from "../support/database.ts";
import { makeDirectory } from "../support/directory.ts";
import { takeCopy } from "../support/template.ts";
import { onlyLong } from "../support/long.ts";

const settings = { fsync: "off" };

/**
 * A data directory that is gone after the test, with whatever still runs on it: empty, or as a first
 * start has left it, where that is not what the test is about.
 */
async function dataDirectory(is: "new" | "started") {
  const path = await (is === "new" ? makeDirectory() : takeCopy(CLUSTER));
  const servers: Postgres[] = [];
  return {
    path,
    start: async (options: Partial<PostgresOptions> = {}) => {
      const server = await startPostgres({ dataDir: path, settings, ...options });
      servers.push(server);
      return server;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((server) => server.stop()));
      await Deno.remove(path, { recursive: true });
    },
  };
}

async function query(url: string, statement: string) {
  const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {} });
  try {
    return [...await sql.unsafe(statement)];
  } finally {
    await sql.end();
  }
}

Deno.test("the first start says what takes long, the second finds the data", async () => {
  await using data = await dataDirectory("new");
  const said: string[] = [];
  const first = await data.start({ progress: (what) => said.push(what) });
  assert.ok(said.includes("creating the database cluster"), `${said}`);
  await query(first.url, "create table public.kept as select 1 as a");
  await first.stop();
  assert.equal(await first.exited, 0);

  said.length = 0;
  const second = await data.start({ progress: (what) => said.push(what) });
  assert.deepEqual(await query(second.url, "select a from public.kept"), [{ a: 1 }]);
  assert.deepEqual(said, []);
});

Deno.test("it listens on loopback only, below the ephemeral ports, and wants a password", async () => {
  await using data = await dataDirectory("started");
  const server = await data.start();
  assert.ok(server.port < 32768);
  const [row] = await query(server.url, "show listen_addresses");
  assert.equal(row.listen_addresses, "127.0.0.1");
  await assert.rejects(query(server.url.replace(/:[^:]*@/, ":wrong@"), "select 1"), {
    code: "28P01",
  });
});

const passwordOf = ({ url }: Postgres) => new URL(url).password;
const asUser = ({ url }: Postgres, user: string, password: string) =>
  query(url.replace(/\/\/.*@/, `//${user}:${password}@`), "select 1 as n");
const LOGINS = ["supabase_admin", "postgres", "authenticator", "supabase_auth_admin"];

Deno.test({
  ...onlyLong(
    "its password is random for each directory, kept in a file of its owner's, and never postgres",
  ),
  fn: async () => {
    await using data = await dataDirectory("new");
    await using other = await dataDirectory("new");
    const [server, elsewhere] = [await data.start(), await other.start()];
    const password = passwordOf(server);
    assert.match(password, /^[\w-]{32}$/);
    assert.notEqual(password, passwordOf(elsewhere));
    assert.equal(passwordOf({ ...server, url: server.adminUrl }), password);
    const file = join(data.path, "database.password");
    assert.equal((await Deno.readTextFile(file)).trim(), password);
    assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
    for (const user of LOGINS) {
      assert.deepEqual(await asUser(server, user, password), [{ n: 1 }]);
      await assert.rejects(asUser(server, user, "postgres"), { code: "28P01" });
    }
  },
});

Deno.test({
  ...onlyLong("a directory whose password was postgres gets a random one, and keeps its data"),
  fn: async () => {
    await using data = await dataDirectory("started");
    const before = await data.start();
    await query(before.url, "create table public.kept as select 1 as n");
    await query(
      before.adminUrl,
      LOGINS.map((user) => `alter role ${user} password 'postgres'`).join(";"),
    );
    await before.stop();
    await Deno.remove(join(data.path, "database.password"));
    const server = await data.start();
    assert.deepEqual(await query(server.url, "select n from public.kept"), [{ n: 1 }]);
    for (const user of LOGINS) {
      await assert.rejects(asUser(server, user, "postgres"), { code: "28P01" });
      assert.deepEqual(await asUser(server, user, passwordOf(server)), [{ n: 1 }]);
    }
  },
});

Deno.test("a lost password is told in one sentence", async () => {
  await using data = await dataDirectory("started");
  await (await data.start()).stop();
  const file = join(data.path, "database.password");
  await Deno.remove(file);
  await assert.rejects(data.start(), {
    message: `The database does not know the password in ${file}: ` +
      "put the file back that belongs to it, or begin another directory with --data.",
  });
  await Deno.writeTextFile(file, "it's");
  await assert.rejects(data.start(), { message: /does not hold the database's password/ });
});

Deno.test("role postgres is no superuser, and may not make anything in schema realtime", async () => {
  await using data = await dataDirectory("new");
  const { url, adminUrl } = await data.start();
  const who = "select current_user::text, current_setting('is_superuser') as super";
  assert.deepEqual(await query(url, who), [{ current_user: "postgres", super: "off" }]);
  assert.deepEqual(await query(adminUrl, who), [{ current_user: "supabase_admin", super: "on" }]);
  await assert.rejects(query(url, "create table realtime.mine ()"), { code: "42501" });
});

Deno.test("a start after the server was killed recovers what was committed", async () => {
  await using data = await dataDirectory("started");
  const first = await data.start();
  await query(first.url, "create table public.kept as select 1 as a");
  first.kill();
  assert.notEqual(await first.exited, 0);
  const second = await data.start();
  assert.deepEqual(await query(second.url, "select a from public.kept"), [{ a: 1 }]);
});

Deno.test("a server whose parent was killed ends, and the next start works at once", async () => {
  await using data = await dataDirectory("started");
  const parent = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      fileURLToPath(import.meta.resolve("./support/hold_postgres.ts")),
      data.path,
    ],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const { url } = JSON.parse(await firstLine(parent.stdout));
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  await sql`create table public.kept as select 1 as a`;
  parent.kill("SIGKILL");
  await parent.status;
  const next = await data.start();
  assert.deepEqual(await query(next.url, "select a from public.kept"), [{ a: 1 }]);
  await sql.end({ timeout: 1 }).catch(() => {});
  assert.ok(isFree(Number(new URL(url).port)), "the old server is gone");
});

Deno.test("a pid file that names another living process is no obstacle", async () => {
  await using data = await dataDirectory("started");
  const first = await data.start();
  first.kill();
  await first.exited;
  const file = join(data.path, "postgres", "postmaster.pid");
  const lines = (await Deno.readTextFile(file)).split("\n");
  await Deno.writeTextFile(file, [Deno.pid, ...lines.slice(1)].join("\n"));
  await data.start();
});

Deno.test("an interrupted first start is begun anew", async () => {
  await using data = await dataDirectory("new");
  await Deno.mkdir(join(data.path, "postgres.new"));
  await Deno.writeTextFile(join(data.path, "postgres.new", "PG_VERSION"), "17");
  await data.start();
});

Deno.test("a directory in use is refused in one sentence, and works once it is free", async () => {
  await using data = await dataDirectory("started");
  const first = await data.start();
  await assert.rejects(data.start(), /is in use by another process: stop that one, or choose/);
  await first.stop();
  await data.start();
});

Deno.test("a copy of a directory whose data lie behind a link is in use while the first is", async () => {
  await using data = await dataDirectory("started");
  const first = await data.start();
  const copy = await makeDirectory();
  try {
    await Deno.symlink(join(data.path, "postgres"), join(copy, "postgres"));
    await Deno.copyFile(join(data.path, "database.password"), join(copy, "database.password"));
    const start = () => startPostgres({ dataDir: copy, settings });
    await assert.rejects(start(), { message: new RegExp(`^${copy} is in use by another process`) });
    await query(first.url, "select 1");
    await first.stop();
    await (await start()).stop();
  } finally {
    await Deno.remove(copy, { recursive: true });
  }
});

Deno.test("a directory is free as soon as it is let go of, whatever else is started", async () => {
  await using data = await dataDirectory("new");
  await Deno.mkdir(join(data.path, "postgres"));
  await Deno.writeTextFile(join(data.path, "postgres", "PG_VERSION"), "17");
  const options = { dataDir: data.path, account: undefined, initdb: "", progress: () => {} };
  // A child has a copy of each of its parent's files, locks too, until it runs its own program.
  const source = `while (true) await new Deno.Command("true").output();`;
  const starter = new Worker(URL.createObjectURL(new Blob([source])), { type: "module" });
  try {
    for (let n = 0; n < 2_000; n++) (await openCluster(options)).release();
  } finally {
    starter.terminate();
  }
});

Deno.test("a taken port is refused in one sentence", async () => {
  await using data = await dataDirectory("started");
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  await assert.rejects(data.start({ port }), { message: new RegExp(`^Port ${port} is taken: `) });
});

Deno.test("servers that prefer the same port start together, on ports of their own", async () => {
  await using one = await dataDirectory("started");
  await using two = await dataDirectory("started");
  const preferredPort = freePort();
  const servers = await Promise.all([one.start({ preferredPort }), two.start({ preferredPort })]);
  const ports = servers.map(({ port }) => port);
  assert.ok(ports.includes(preferredPort));
  assert.equal(new Set(ports).size, 2);
});

Deno.test({
  name: "as root, data under a closed directory lies in /var/lib, behind a link",
  ignore: Deno.uid() !== 0,
  async fn() {
    const closed = await makeDirectory();
    const dataDir = join(closed, "data");
    const first = await startPostgres({ dataDir, settings });
    const home = join(await Deno.realPath(join(dataDir, "postgres")), "..");
    try {
      assert.match(home, /^\/var\/lib\/realtime-relay\/[0-9a-f]{16}$/);
      assert.equal((await Deno.stat(home)).mode! & 0o777, 0o700);
      await query(first.url, "create table public.kept ()");
      await first.stop();
      const second = await startPostgres({ dataDir, settings });
      assert.deepEqual(await query(second.url, "select from public.kept"), []);
      await second.stop();
    } finally {
      await first.stop();
      await Deno.remove(closed, { recursive: true });
      await Deno.remove(home, { recursive: true });
    }
  },
});

Deno.test({
  name: "as root, data of a normal user is served as that user",
  ignore: Deno.uid() !== 0,
  async fn() {
    await using data = await dataDirectory("started");
    await (await data.start()).stop();
    const cluster = join(data.path, "postgres");
    // Any number will do: it needs no name.
    await new Deno.Command("chown", { args: ["-R", "4711:4711", cluster] }).output();
    const server = await data.start();
    assert.equal((await Deno.stat(join(cluster, "postmaster.pid"))).uid, 4711);
    await query(server.url, "select 1");
  },
});

Deno.test({
  name: "as a normal user, a directory of another user is refused in one sentence",
  ignore: Deno.uid() === 0,
  async fn() {
    const others = "/realtime-relay";
    await assert.rejects(startPostgres({ dataDir: others }), {
      message: `${others} belongs to another user: choose another directory with --data.`,
    });
  },
});

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.includes("\n")) break;
  }
  return text.split("\n")[0];
}
