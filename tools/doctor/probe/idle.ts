import { within } from "../ask/within.ts";
import { type Check, found, ok, skipped } from "../check.ts";
import type { Context } from "../context.ts";
import { join, openSocket, ownTopic } from "./socket.ts";

/** Between two heartbeats; a little more; and past the 60 s that proxies have for a default. */
const IDLE_S = [25, 35, 65];
/** A heartbeat of realtime-js comes every 25 s; what is cut by then is cut for everybody. */
const HEARTBEAT_S = 35;
/** Realtime itself ends a socket that has said nothing for 60 s, and says so by this code. */
const NORMAL = 1000;
/** So does a relay whose worker ends. */
const RESTART = 1012;
/** No hosted worker ends its sockets before half of the shorter wall clock, 150 s, is used. */
const HOSTED_S = 75;

/** Holds a silent socket for each of the times, all at once, then asks it for an answer. */
export async function probeIdle(context: Context, seconds = IDLE_S): Promise<Check[]> {
  if (!context.options.idle) return [];
  const most = Math.max(...seconds);
  context.progress(`holding silent sockets for up to ${most} s`);
  return await Promise.all(seconds.map((it) => hold(it, context)));
}

async function hold(seconds: number, context: Context): Promise<Check> {
  const socket = await openSocket(context);
  if (!socket) return skipped("upgrade", `${seconds} s of silence: the socket did not open`);
  const start = performance.now();
  try {
    // A relay ends a socket that joins nothing.
    join(socket, ownTopic(), {});
    await within(socket.ended, seconds * 1000);
    const lived = Math.round((performance.now() - start) / 1000);
    if (!socket.closed) {
      const reply = await socket.reply(socket.push("phoenix", "heartbeat", {}));
      if (reply) return ok("upgrade", `a socket that was silent for ${seconds} s answers`);
    }
    const { code, reason } = socket.closed ?? {};
    if (code === NORMAL && lived >= 55) {
      return ok("upgrade", `Realtime itself ended a silent socket after ${lived} s, as it does`);
    }
    if (reason?.startsWith("join_timeout")) {
      return ok("relay", `the relay ended the socket after ${lived} s: ${reason}`);
    }
    if (code === RESTART) return judgeWorker(lived, context.workerSince);
    const how = code === undefined
      ? "no longer answers"
      : `was ended (${code}${reason && `: ${reason}`})`;
    const id = seconds <= HEARTBEAT_S ? "idle_cut" : "idle_short";
    return found(id, `a silent socket ${how} after ${lived} s`);
  } finally {
    socket.close();
  }
}

/** `since` is of the worker that answered for its health, most likely the one that had the socket. */
function judgeWorker(lived: number, since = Date.now()): Check {
  const age = Math.round((Date.now() - since) / 1000);
  const saw = `the relay's worker ended the socket after ${lived} s, at the age of ${age} s`;
  return age < HOSTED_S ? found("relay_worker_short", saw) : ok("relay", saw);
}
