import postgres from "postgres";
import { cpuOf, parentOf, processTree } from "../cpu.ts";
import { type Load, startLoad } from "../load/driver.ts";
import { headOf } from "../load/head.ts";
import type { Samples } from "../samples.ts";
import type { Stack } from "../../stack/stack.ts";
import { JOIN } from "./hub.ts";

export interface StackPlan {
  viewers: number[];
  rounds: number;
  /** Changes one after the other in a round. */
  changes: number;
}

/** Autocommitted inserts, as fast as they go; and rows of one transaction. */
const BURST = 200;
const TRANSACTION = 600;

/** What has not arrived by then is lost: six times the time-out that loses frames elsewhere. */
const LOST_MS = 90_000;

interface Path {
  name: string;
  /** Of the server on 127.0.0.1, and the request's path. */
  url: string;
  path: string;
  host: string;
  headers?: string[];
}

/** From the commit to the last viewer, and what Postgres takes, straight and through the hub. */
export async function measureStack(stack: Stack, plan: StackPlan, samples: Samples): Promise<void> {
  const { info } = stack;
  const hub = {
    name: "through the hub",
    url: stack.relay.url,
    path: `/functions/v1/relay/websocket?vsn=2.0.0&apikey=${info.PUBLISHABLE_KEY}`,
    host: "127.0.0.1",
  };
  const headers = ["Sec-WebSocket-Protocol: realtime-relay.v2"];
  const paths: Path[] = [
    {
      name: "straight",
      url: stack.realtime.url,
      path: `/socket/websocket?vsn=2.0.0&apikey=${info.ANON_KEY}`,
      host: "realtime-dev.local",
    },
    hub,
    { ...hub, name: "through the hub, in batches", headers },
  ];
  const sql = postgres(info.DB_URL, { max: 1 });
  const [{ pid }] = await sql`select pg_backend_pid() as pid`;
  const postmaster = parentOf(pid);
  for (let round = 0; round < plan.rounds; round++) {
    for (const viewers of plan.viewers) {
      for (const path of paths) {
        await using load = await startLoad();
        await watch(load, path, viewers);
        await measurePath({ load, sql, postmaster, viewers, name: path.name, plan, samples });
        await load.tell("close");
      }
    }
  }
  await sql.end();
}

async function watch(load: Load, to: Path, viewers: number): Promise<void> {
  const { url, path, host, headers } = to;
  const heads = Array.from({ length: viewers }, () => headOf(path, host, headers));
  await load.tell("open", { port: Number(new URL(url).port), heads, paired: false });
  await load.tell("join", JOIN);
}

interface Measurement {
  load: Load;
  sql: postgres.Sql;
  postmaster: number;
  viewers: number;
  name: string;
  plan: StackPlan;
  samples: Samples;
}

async function measurePath(measurement: Measurement): Promise<void> {
  const { load, sql, postmaster, viewers, name, plan, samples } = measurement;
  const many = `${viewers} ${viewers === 1 ? "viewer" : "viewers"}`;
  const insert = (rows: number) =>
    sql`insert into public.url_clicks (slug) select 'docs' from generate_series(1, ${rows})`;
  /** How long the rows took to reach all, in ms, from when the work began or, else, was committed. */
  async function deliver(rows: number, work: () => Promise<unknown>, from: "begin" | "commit") {
    await load.tell("watch", { frames: rows * viewers, timeoutMs: LOST_MS });
    const begin = performance.timeOrigin + performance.now();
    await work();
    const start = from === "begin" ? begin : performance.timeOrigin + performance.now();
    const { missing, last } = await load.tell<{ missing: number; last: number }>("arrived");
    return { ms: last - start, missing };
  }
  await deliver(1, () => insert(1), "commit");
  const before = cpuOf(processTree(postmaster));
  for (let n = 0; n < plan.changes; n++) {
    const { ms } = await deliver(1, () => insert(1), "commit");
    samples.add(`commit to the last of ${many}`, "ms", name, ms);
  }
  const us = cpuOf(processTree(postmaster)) - before;
  samples.add(`Postgres, a change seen by ${many}`, "µs CPU a change", name, us / plan.changes);
  const burst = () => Promise.all(Array.from({ length: BURST }, () => insert(1)));
  const { ms } = await deliver(BURST, burst, "begin");
  samples.add(`burst of ${BURST} rows to ${many}`, "ms", name, ms);
  const whole = await deliver(TRANSACTION, () => insert(TRANSACTION), "commit");
  samples.add(`transaction of ${TRANSACTION} rows to ${many}`, "ms", name, whole.ms);
  const arrived = 1 - whole.missing / TRANSACTION / viewers;
  samples.add(`frames of it that arrived at ${many}`, "%", name, arrived * 100);
}
