// A process of its own that starts Postgres and holds it, to be killed by a test.
// Arguments: the data directory. Prints one JSON line when the server is up.
import { join } from "node:path";
import { startPostgres } from "../../../tools/stack/postgres/postgres.ts";

const [dataDir] = Deno.args;
const server = await startPostgres({ dataDir, settings: { fsync: "off" } });
const pidFile = await Deno.readTextFile(join(dataDir, "postgres", "postmaster.pid"));
console.log(JSON.stringify({ pid: Number(pidFile.split("\n")[0]), url: server.url }));
await server.exited;
