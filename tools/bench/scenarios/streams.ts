import postgres from "postgres";
import { nodeHost, nodeMissing } from "../../../tests/support/node_host.ts";
import { hosts } from "../../../tests/support/relay_host.ts";
import type { Stack } from "../../stack/stack.ts";
import { nameOf, type Peer } from "../peers/peer.ts";
import { findServers } from "../peers/servers.ts";
import { projectOf, sharingRelay } from "../peers/this_relay.ts";
import { type Rig, startRig } from "../rig.ts";
import { Samples } from "../samples.ts";
import { median } from "../statistics.ts";
import { JOIN } from "./hub.ts";
import { type Sender, startSender } from "./sender.ts";

export interface StreamsPlan {
  viewers: number;
  rounds: number;
  /** How often each stream comes in a measurement. */
  times: number;
}

/** Rows of a commit, and sends one after the other. */
const TOGETHER = 20;
const GAP_MS = 1;

/** What has not arrived by then is lost. */
const LOST_MS = 60_000;

/** What is measured in its turn, and where its frames come from. */
interface Course {
  rig: Rig;
  plan: StreamsPlan;
  samples: Samples;
  streams: Stream[];
}

/** Frames as they come from Realtime. */
interface Stream {
  name: string;
  /** Of its frames. */
  event: string;
  /** Has 20 of them come; resolves when the last is on its way. */
  run(): Promise<unknown>;
}

/**
 * What comes from Realtime itself, to viewers behind one proxy at a time: CPU a delivery, the time to
 * the last viewer, and how many deliveries a second where nobody waits for them.
 */
export async function measureStreams(
  stack: Stack,
  plan: StreamsPlan,
  samples: Samples,
): Promise<void> {
  const sql = postgres(stack.info.DB_URL, { max: 1 });
  const sender = await startSender(stack.info, JOIN.topic);
  const streams = streamsOf(sql, sender);
  await using started = new AsyncDisposableStack();
  const rigs: Rig[] = [];
  for (const peer of await peersOf(stack)) rigs.push(started.use(await startRig(peer)));
  for (let round = -1; round < plan.rounds; round++) {
    for (const rig of rigs) {
      await rig.open(plan.viewers, false);
      await rig.load.tell("join", JOIN);
      // The first round meets cold code: what it measures is forgotten.
      await measureRound({ rig, plan, streams, samples: round < 0 ? new Samples() : samples });
      await rig.load.tell("close");
    }
  }
  sender.stop();
  await sql.end();
}

function streamsOf(sql: postgres.Sql, sender: Sender): Stream[] {
  return [{
    name: `commits of ${TOGETHER} rows`,
    event: "postgres_changes",
    run: () =>
      sql`insert into public.url_clicks (slug) select 'docs' from generate_series(1, ${TOGETHER})`,
  }, {
    name: `${TOGETHER} sends a millisecond apart`,
    event: "broadcast",
    run: () => sender.send(TOGETHER, GAP_MS),
  }];
}

/** nginx carries one to one, and the relays share; each with clients of either kind. */
async function peersOf({ info, realtime }: Stack): Promise<Peer[]> {
  const { peers } = await findServers();
  const nginx = peers.find(({ name }) => name === "nginx");
  const port = Number(new URL(realtime.url).port);
  const path = `/socket/websocket?vsn=2.0.0&apikey=${info.ANON_KEY}`;
  const straight = nginx && {
    ...nginx,
    request: () => ({ path, host: "realtime-dev.local" }),
    start: () => nginx.start(port),
  };
  const there = [hosts[0], ...nodeMissing ? [] : [nodeHost]];
  const project = projectOf(info);
  return [
    ...straight ? [straight] : [],
    ...there.flatMap((host) => [
      sharingRelay(host, "single", project),
      sharingRelay(host, "batches", project),
    ]),
  ];
}

async function measureRound({ rig, plan, streams, samples }: Course): Promise<void> {
  const { viewers, times } = plan;
  const name = nameOf(rig.peer);
  const frames = TOGETHER * viewers;
  for (const stream of streams) {
    const scenario = `${stream.name} from Realtime, ${viewers} viewers`;
    const waits: number[] = [];
    let missing = 0;
    const { us } = await rig.measure(async () => {
      for (let time = 0; time < times; time++) {
        const { ms, ...came } = await deliver(rig, stream, frames, 1);
        waits.push(ms);
        missing += came.missing;
      }
    });
    samples.add(`${scenario}: delivery`, "µs CPU a delivery", name, us / frames / times);
    samples.add(`${scenario}: to the last viewer`, "ms", name, median(waits));
    const { ms, ...came } = await deliver(rig, stream, frames, times);
    missing += came.missing;
    samples.add(`${scenario}: throughput`, "deliveries a ms", name, frames * times / ms);
    const arrived = 100 * (1 - missing / frames / times / 2);
    samples.add(`${scenario}: arrived`, "%", name, arrived);
  }
}

/** How long after the first run the last of all was there, in ms; of one alone after it was on its way. */
async function deliver({ load }: Rig, { event, run }: Stream, frames: number, times: number) {
  await load.tell("watch", { frames: frames * times, event, timeoutMs: LOST_MS });
  const now = () => performance.timeOrigin + performance.now();
  let start = now();
  for (let time = 0; time < times; time++) await run();
  if (times === 1) start = now();
  const { missing, last } = await load.tell<{ missing: number; last: number }>("arrived");
  return { missing, ms: last - start };
}
