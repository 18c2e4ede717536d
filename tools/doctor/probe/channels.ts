import { NOTICES } from "../../../supabase/functions/relay/credential.ts";
import { type Check, found, ok, skipped } from "../check.ts";
import type { Context } from "../context.ts";
import { PhoenixSocket } from "../phoenix_socket.ts";
import { withQuery } from "./upgrade.ts";

/** Opens the socket as a client does, with the key and, where one is given, the user's token. */
export async function openSocket({ options, target }: Context): Promise<PhoenixSocket | undefined> {
  const { token, origin, waitMs } = options;
  const url = withQuery(target.socket, options.key ?? target.key);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const protocols = target.kind !== "relay" ? [] : token ? [NOTICES, `jwt-${token}`] : [NOTICES];
  return await PhoenixSocket.open(url, protocols, waitMs, origin);
}

/** Refusals that are a setting of the project, or of the relay, and no fault. */
const SETTINGS: [RegExp, string][] = [
  [/private_?only/i, "private channels only, by a setting"],
  [/^topic_forbidden/, "the topics of RELAY_POLICY only"],
  [/^table_forbidden/, "the tables of RELAY_POLICY only"],
];

/** What is let in to instead, where a refusal is a setting. */
export function settingOf(reason: string): string | undefined {
  return SETTINGS.find(([words]) => words.test(reason))?.[1];
}

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
  { options }: Context,
): Promise<{ checks: Check[]; setting?: string }> {
  const topic = `realtime:doctor-${crypto.randomUUID()}`;
  const config = { broadcast: { self: true, ack: true } };
  const start = performance.now();
  const reply = await socket.reply(join(socket, topic, config, options.token));
  if (!reply) return { checks: [lost(socket, "no answer came to the first join")] };
  const reason = refusalOf(reply.payload);
  const setting = reason && settingOf(reason);
  if (setting) return { checks: [ok("channels", `it lets in to ${setting}`)], setting };
  if (reason !== undefined) return { checks: [found("join_refused", reason)] };
  const ms = Math.round(performance.now() - start);
  const joined = ok("channels", `public channel joined (${ms} ms)`);
  return { checks: [joined, await probeBroadcast(socket, topic)] };
}

async function probeBroadcast(socket: PhoenixSocket, topic: string): Promise<Check> {
  const ref = socket.push(topic, "broadcast", { type: "broadcast", event: "doctor", payload: {} });
  const answer = await socket.frame((it) =>
    it.topic === topic &&
    (it.event === "broadcast" || it.ref === ref && refusalOf(it.payload) !== undefined)
  );
  if (answer?.event === "broadcast") return ok("channels", "a broadcast came back to its sender");
  const reason = answer && refusalOf(answer.payload);
  if (reason?.startsWith("read_only")) return ok("channels", "this role may receive, not send");
  return found("broadcast_lost", reason ?? "the copy for the sender did not come");
}

async function probePrivate(socket: PhoenixSocket, { options }: Context): Promise<Check[]> {
  const { topic, token } = options;
  if (!topic) return [skipped("channels", "no private channel was named with --topic")];
  const ref = join(socket, `realtime:${topic}`, { private: true }, token);
  const reply = await socket.reply(ref);
  if (!reply) return [lost(socket, `no answer came to the join of ${topic}`)];
  const reason = refusalOf(reply.payload);
  if (reason !== undefined) {
    return [found(settingOf(reason) ? "relay_refuses" : "private_refused", reason)];
  }
  return [ok("channels", `private channel ${topic} joined`)];
}

async function probeChanges(socket: PhoenixSocket, { options }: Context): Promise<Check[]> {
  const [schema, table] = options.table.split(".");
  const answer = await subscribe(socket, schema, table, options.token);
  if (answer.state === "ready") return [ok("channels", `changes of ${options.table} subscribed`)];
  if (!options.tableGiven && answer.state === "refused") {
    return [
      skipped("channels", `${options.table}, since it is refused; name a table with --table`),
    ];
  }
  if (answer.state === "silent") return [found("changes_silent", answer.saw)];
  return [found(settingOf(answer.saw) ? "relay_refuses" : "changes_refused", answer.saw)];
}

/** Subscribes to a table's changes, and waits until Realtime says that they flow. */
export async function subscribe(
  socket: PhoenixSocket,
  schema: string,
  table: string,
  token?: string,
): Promise<{ state: "ready" | "refused" | "silent"; saw: string; topic: string }> {
  const topic = `realtime:doctor-${crypto.randomUUID()}`;
  const ref = join(socket, topic, { postgres_changes: [{ event: "*", schema, table }] }, token);
  const reply = await socket.reply(ref);
  const reason = reply && refusalOf(reply.payload);
  if (reason !== undefined) return { state: "refused", saw: reason, topic };
  const system = await socket.frame((it) => it.topic === topic && it.event === "system");
  const { status, message } = system?.payload ?? {};
  if (status === "ok") return { state: "ready", saw: "", topic };
  if (system) return { state: "refused", saw: String(message), topic };
  return { state: "silent", saw: "neither a yes nor a no came", topic };
}

function join(socket: PhoenixSocket, topic: string, config: object, token?: string): string {
  const payload = { config, ...(token ? { access_token: token } : {}) };
  return socket.push(topic, "phx_join", payload, true);
}

function refusalOf({ status, response }: Record<string, unknown>): string | undefined {
  if (status === "ok") return undefined;
  return String((response as { reason?: unknown })?.reason ?? "without a reason");
}

/** A socket that is still open and says nothing is silent; a closed one says why. */
function lost({ closed }: PhoenixSocket, what: string): Check {
  if (!closed) return found("socket_silent", what);
  const { code, reason } = closed;
  return found("socket_lost", `closed with ${code}${reason ? `: ${reason}` : ", no reason"}`);
}
