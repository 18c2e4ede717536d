import type { PhoenixSocket } from "../ask/phoenix_socket.ts";
import { type Check, found, ok, skipped } from "../check.ts";
import type { Context } from "../context.ts";
import { askingAs } from "./database/claims.ts";
import { idOfChanges, idOfPrivate, idOfRefusal, joinShows } from "./refusal.ts";
import {
  join,
  openSocket,
  ownTopic,
  refusalOf,
  settingOf,
  subscribe,
  wantsUser,
} from "./socket.ts";
import { topicPaste } from "./topic_policy.ts";

/** Joins channels on one socket: a public one first, without which nothing else is to be tried. */
export async function probeChannels(context: Context): Promise<Check[]> {
  const socket = await openSocket(context);
  if (!socket) return [found("socket_lost", "the socket did not open")];
  try {
    const { checks, setting } = await probePublic(socket, context);
    if (checks.some(({ state }) => state === "failed")) return checks;
    // Changes are subscribed on a topic of the doctor's own.
    const others = setting ? [probePrivate] : [probePrivate, probeChanges];
    const rest = await Promise.all(others.map((probe) => probe(socket, context)));
    return [...checks, ...rest.flat()];
  } finally {
    socket.close();
  }
}

/** A public channel of a random name, and a broadcast to itself; or the setting that forbids it. */
async function probePublic(
  socket: PhoenixSocket,
  context: Context,
): Promise<{ checks: Check[]; setting?: string }> {
  const { options } = context;
  const topic = ownTopic();
  const config = { broadcast: { self: true, ack: true } };
  const start = performance.now();
  const reply = await socket.reply(join(socket, topic, config, options.token));
  if (!reply) return { checks: [lost(socket, "no answer came to the first join")] };
  const reason = refusalOf(reply.payload);
  const setting = reason && settingOf(reason, context);
  if (setting) return { checks: [ok("channels", `it lets in to ${setting}`)], setting };
  if (reason !== undefined) return { checks: [found(idOfRefusal(reason, context), reason)] };
  const ms = Math.round(performance.now() - start);
  const joined = ok("channels", `public channel joined (${ms} ms)`, ...joinShows(options.token));
  return { checks: [joined, await probeBroadcast(socket, topic)] };
}

async function probeBroadcast(socket: PhoenixSocket, topic: string): Promise<Check> {
  const ref = socket.push(topic, "broadcast", { type: "broadcast", event: "doctor", payload: {} });
  const answer = await socket.frame((it) =>
    it.topic === topic &&
    (["broadcast", "phx_error"].includes(it.event) ||
      it.ref === ref && refusalOf(it.payload) !== undefined)
  );
  if (answer?.event === "phx_error") {
    return found("channel_crashed", "phx_error came back for a broadcast");
  }
  if (answer?.event === "broadcast") {
    return ok("channels", "a broadcast came back to its sender", "broadcasts");
  }
  const reason = answer && refusalOf(answer.payload);
  if (reason?.startsWith("read_only")) return ok("channels", "this role may receive, not send");
  return found("broadcast_lost", reason ?? "the copy for the sender did not come");
}

async function probePrivate(socket: PhoenixSocket, context: Context): Promise<Check[]> {
  const { topic, token } = context.options;
  if (!topic) return [skipped("channels", "no private channel was named with --topic")];
  const ref = join(socket, `realtime:${topic}`, { private: true }, token);
  const reply = await socket.reply(ref);
  if (!reply && !socket.closed) {
    return [found("private_silent", `no answer came to the join of ${topic}`)];
  }
  if (!reply) return [lost(socket, "")];
  const reason = refusalOf(reply.payload);
  if (reason !== undefined) {
    if (wantsUser(reason, context)) {
      return [
        skipped("channels", `private channel ${topic}: it wants a user, and no --token was given`),
      ];
    }
    const id = settingOf(reason, context) ? "relay_refuses" : idOfPrivate(reason);
    const paste = id === "private_refused" ? topicPaste(topic, askingAs(context).role) : undefined;
    return [found(id, reason, { paste })];
  }
  return [ok("channels", `private channel ${topic} joined`, "private_joins")];
}

async function probeChanges(socket: PhoenixSocket, context: Context): Promise<Check[]> {
  const { options } = context;
  const [schema, table] = options.table.split(".");
  const answer = await subscribe(socket, schema, table, options.token);
  if (answer.state === "ready") {
    return [ok("channels", `changes of ${options.table} subscribed`, "changes_flow")];
  }
  if (!options.tableGiven && answer.state === "refused") {
    return [
      skipped("channels", `${options.table}, since it is refused; name a table with --table`),
    ];
  }
  if (answer.state === "silent") return [found("changes_silent", answer.saw)];
  if (settingOf(answer.saw, context)) return [found("relay_refuses", answer.saw)];
  return [found(idOfChanges(answer.saw), answer.saw)];
}

/** A socket that is still open and says nothing is silent; a closed one says why. */
function lost({ broken, closed }: PhoenixSocket, what: string): Check {
  if (broken) return found("frames_broken", "what came is no frame, or cannot be inflated");
  if (!closed) return found("socket_silent", what);
  const { code, reason } = closed;
  return found("socket_lost", `closed with ${code}${reason ? `: ${reason}` : ", no reason"}`);
}
