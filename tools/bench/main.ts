/**
 * `deno task bench [--json]`: how long a committed row takes to reach a subscriber of the local
 * stack, straight from its Realtime and through the relay, the two measured in turn.
 */
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import postgres from "postgres";
import { relayTransport } from "../../client/mod.ts";
import type { StackInfo } from "../stack/info.ts";
import { type Stack, startStack } from "../stack/stack.ts";

const ROUNDS = 300;
/** Not counted: the first rows meet cold code. */
const WARM_UP = 20;
/** What supabase/realtime v2.129.8 takes on an idle system: its poll, p50. */
const ORIGINAL_P50_MS = 352;

interface Path {
  name: string;
  client: SupabaseClient;
  /** Resolves when the next row arrives. */
  next(): Promise<number>;
  samples: number[];
}

async function subscribe(name: string, { API_URL, PUBLISHABLE_KEY, RELAY_URL }: StackInfo) {
  const transport = relayTransport({ relay: RELAY_URL });
  const realtime = name === "through the relay" ? { transport } : {};
  const client = createClient(API_URL, PUBLISHABLE_KEY, { realtime });
  const ready = Promise.withResolvers<void>();
  let arrived = Promise.withResolvers<number>();
  client.channel("clicks")
    .on("postgres_changes", { event: "INSERT", schema: "public", table: "url_clicks" }, () => {
      arrived.resolve(performance.now());
    })
    .on("system", {}, ({ status, message }) => {
      status === "ok" ? ready.resolve() : ready.reject(new Error(message));
    })
    .subscribe();
  await ready.promise;
  const next = () => {
    arrived = Promise.withResolvers();
    return arrived.promise;
  };
  return { name, client, next, samples: [] } satisfies Path;
}

async function measure(stack: Stack): Promise<Path[]> {
  const sql = postgres(stack.info.DB_URL, { max: 1 });
  const paths: Path[] = [];
  for (const name of ["straight", "through the relay"]) {
    paths.push(await subscribe(name, stack.info));
  }
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const arrivals = paths.map((path) => path.next());
    await sql`insert into public.url_clicks (slug) values ('docs')`;
    const committed = performance.now();
    const times = await Promise.all(arrivals);
    if (round >= 0) paths.forEach((path, i) => path.samples.push(times[i] - committed));
    if (round % 100 === 0) Deno.stderr.writeSync(encode(`${round} of ${ROUNDS} rows …\n`));
  }
  for (const { client } of paths) {
    await client.removeAllChannels();
    await client.realtime.disconnect();
  }
  await sql.end();
  return paths;
}

function summarise({ name, samples }: Path) {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.floor(share * sorted.length)] * 100) / 100;
  const [p50_ms, p99_ms] = [at(0.5), at(0.99)];
  return {
    name,
    p50_ms,
    p99_ms,
    share_of_original: Math.round(p50_ms / ORIGINAL_P50_MS * 1e4) / 1e4,
  };
}

const encode = (text: string) => new TextEncoder().encode(text);

const dataDir = await Deno.makeTempDir({ prefix: "realtime-relay-bench-" });
try {
  const stack = await startStack({ dataDir, progress: (what) => console.error(`${what} …`) });
  try {
    const rows = (await measure(stack)).map(summarise);
    if (Deno.args.includes("--json")) console.log(JSON.stringify(rows));
    else {
      console.log("commit to frame      p50 ms   p99 ms   p50 of the original's 352 ms");
      for (const { name, p50_ms, p99_ms, share_of_original } of rows) {
        const share = `1/${Math.round(1 / share_of_original)}`;
        console.log(
          `${name.padEnd(18)} ${`${p50_ms}`.padStart(8)} ${`${p99_ms}`.padStart(8)}   ${share}`,
        );
      }
    }
  } finally {
    await stack.stop();
  }
} finally {
  await Deno.remove(dataDir, { recursive: true });
}
Deno.exit(0);
