import { createClient } from "@supabase/supabase-js";
import postgres from "postgres";
import { relayTransport } from "../../../client/mod.ts";
import type { Samples } from "../samples.ts";
import type { StackInfo } from "../../stack/info.ts";

/** Not counted: the first rows meet cold code. */
const WARM_UP = 20;

/** From the commit of a row to supabase-js: straight, and through the relay, at the same time. */
export async function measureLatency(
  info: StackInfo,
  rows: number,
  samples: Samples,
): Promise<void> {
  const sql = postgres(info.DB_URL, { max: 1 });
  const paths = [await subscribe("straight", info), await subscribe("through the relay", info)];
  for (let row = -WARM_UP; row < rows; row++) {
    const arrivals = paths.map((path) => path.next());
    await sql`insert into public.url_clicks (slug) values ('docs')`;
    const committed = performance.now();
    const times = await Promise.all(arrivals);
    if (row < 0) continue;
    for (const [n, { name }] of paths.entries()) {
      samples.add("commit to supabase-js, 1 viewer", "ms", name, times[n] - committed);
    }
  }
  for (const { client } of paths) {
    await client.removeAllChannels();
    await client.realtime.disconnect();
  }
  await sql.end();
}

async function subscribe(name: string, { API_URL, PUBLISHABLE_KEY, RELAY_URL }: StackInfo) {
  const transport = relayTransport({ relay: RELAY_URL });
  const realtime = name === "straight" ? {} : { transport };
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
  return { name, client, next };
}
