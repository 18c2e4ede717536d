import assert from "node:assert/strict";
import { Random } from "../relay/support/fuzz/random.ts";
import { SEED } from "../relay/support/fuzz/settings.ts";
import { ALICE, BOB, type Cluster, type Database, startCluster } from "../support/database.ts";
import { orFinding } from "../support/finding.ts";
import { LONG } from "../support/long.ts";
import { makeRequest, type Request } from "./support/hostile/requests.ts";
import { judge, look, markLinks } from "./support/hostile/world.ts";
import { RIGHTS } from "./support/rights.ts";

let cluster: Cluster;
Deno.test.beforeAll(async () => void (cluster = await startCluster()));
Deno.test.afterAll(() => cluster.stop());

const REQUESTS = LONG ? 3000 : 80;

/** Two users with nearly as many links as they may have, and a link of nobody. */
async function fill({ sql }: Database): Promise<void> {
  await sql`delete from short_links`;
  await sql`insert into short_links (slug, target_url) values ('open', 'https://open.example')`;
  for (const [name, { id }] of [["alice", ALICE], ["bob", BOB]] as const) {
    await sql`insert into short_links (slug, target_url, owner)
      select ${name}::text || '-' || n, 'https://a.example', ${id} from generate_series(1, 98) as n`;
  }
}

/** Each statement has a savepoint, so that one that is refused leaves the others standing. */
async function perform(db: Database, { role, claims, statements }: Request): Promise<string[]> {
  const codes: string[] = [];
  await db.as(role, claims, async (sql) => {
    for (const statement of statements) {
      const code = await sql.savepoint((inner) => inner.unsafe(statement))
        .then(() => "done", (error) => error.code ?? String(error));
      codes.push(code);
    }
  });
  return codes;
}

for (const [state, prepare] of Object.entries(RIGHTS)) {
  const name = `hostile: of ${REQUESTS} requests, ${state}, none forges, gives or adds too much`;
  Deno.test(`${name} (seed ${SEED})`, async () => {
    await using db = await cluster.database("migrated");
    await markLinks(db);
    await prepare(db);
    const random = new Random(SEED);
    const seen = new Map<string, number>();
    for (let n = 0; n < REQUESTS; n++) {
      if (n % 25 === 0) await fill(db);
      const request = makeRequest(random);
      const before = await look(db);
      const codes = await perform(db, request);
      const after = await look(db);
      const { role, claims, statements } = request;
      const what = [`request ${n} as ${role} ${claims.sub ?? ""}`, ...statements].join(";\n");
      await orFinding(SEED, what, () => {
        judge(request, before, after);
        // Ours are clear, Postgres's own are what they are; none is a fault of a trigger.
        for (const code of codes) assert.doesNotMatch(code, /^(XX|P0|42P1[37]|22P02)/);
      });
      for (const code of codes) seen.set(code, (seen.get(code) ?? 0) + 1);
    }
    // A world in which nothing happens, or in which no bound is met, would prove nothing.
    for (const code of ["done", "42501", "PT413", "PT409"]) assert.ok(seen.has(code), code);
  });
}
