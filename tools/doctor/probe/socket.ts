import { NOTICES } from "../../../supabase/functions/relay/door/credential.ts";
import { PhoenixSocket } from "../ask/phoenix_socket.ts";
import { withQuery } from "../ask/with_query.ts";
import { type Context, keyOf } from "../context.ts";

/** Opens the socket as a client does, with the key and, where one is given, the user's token. */
export async function openSocket(context: Context): Promise<PhoenixSocket | undefined> {
  const { options: { token, origin, waitMs }, target } = context;
  const url = withQuery(target.socket, keyOf(context));
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const protocols = target.kind !== "relay" ? [] : token ? [NOTICES, `jwt-${token}`] : [NOTICES];
  return await PhoenixSocket.open(url, protocols, waitMs, origin);
}

/** A topic that nobody else is on. */
export const ownTopic = () => `realtime:doctor-${crypto.randomUUID()}`;

/** Sends a join, and gives its ref. */
export function join(socket: PhoenixSocket, topic: string, config: object, token?: string): string {
  const payload = { config, ...(token ? { access_token: token } : {}) };
  return socket.push(topic, "phx_join", payload, true);
}

/** Why a reply says no; undefined where it says yes. */
export function refusalOf({ status, response }: Record<string, unknown>): string | undefined {
  if (status === "ok") return undefined;
  const reason = (response as { reason?: unknown } | undefined | null)?.reason;
  return typeof reason === "string" ? reason : "without a reason";
}

/** Refusals that are a setting of the project, or of the relay, and no fault. */
const SETTINGS: [RegExp, string][] = [
  [/private_?only/i, "private channels only, by a setting"],
  [/^topic_forbidden/, "the topics of RELAY_POLICY only"],
  [/^table_forbidden/, "the tables of RELAY_POLICY only"],
];

/** What a relay says that takes a public key for the socket, and waits for a user. */
const NO_USER = /^token_missing\b/;

/** Whether a refusal says that a public key is good, and that --token is what was not given. */
export const wantsUser = (reason: string, context: Context): boolean =>
  NO_USER.test(reason) && keyOf(context) !== undefined && !context.options.token;

/** What is let in to instead, where a refusal is a setting. */
export function settingOf(reason: string, context: Context): string | undefined {
  if (wantsUser(reason, context)) return "signed-in users only; --token looks further";
  return SETTINGS.find(([words]) => words.test(reason))?.[1];
}

/** Subscribes to a table's changes, and waits until Realtime says that they flow. */
export async function subscribe(
  socket: PhoenixSocket,
  schema: string,
  table: string,
  token?: string,
  filter?: string,
): Promise<{ state: "ready" | "refused" | "silent"; saw: string; topic: string }> {
  const topic = ownTopic();
  const binding = { event: "*", schema, table, ...(filter ? { filter } : {}) };
  const ref = join(socket, topic, { postgres_changes: [binding] }, token);
  const reply = await socket.reply(ref);
  const reason = reply && refusalOf(reply.payload);
  if (reason !== undefined) return { state: "refused", saw: reason, topic };
  const system = await socket.frame((it) => it.topic === topic && it.event === "system");
  const { status, message } = system?.payload ?? {};
  if (status === "ok") return { state: "ready", saw: "", topic };
  if (system) return { state: "refused", saw: String(message), topic };
  return { state: "silent", saw: "neither a yes nor a no came", topic };
}
