/** phx_join: from the topic and the token to the reply and what follows it. */
import { echo } from "./bindings.ts";
import { Channel, unauthorized } from "./channel.ts";
import { readConfig } from "./join_config.ts";
import { at, type Json } from "./json.ts";
import { replay, ReplayError } from "./replay.ts";
import type { Message } from "./serializer.ts";
import type { ClientSocket } from "./socket.ts";
import { type Identity, TokenError, verify } from "./token.ts";

const PREFIX = "realtime:";
/** The state of presence follows the subscription, as recorded, but does not wait longer. */
const SETTLE_MS = 1_000;

/** Why a join is refused; the socket stays open. */
class JoinError extends Error {}

/** Joins a topic. A second join of a topic takes the place of the first. */
export async function join(socket: ClientSocket, message: Message) {
  const { topic } = message;
  if (!topic.startsWith(PREFIX)) {
    return socket.reply(message, "error", '{"reason":"unmatched topic"}');
  }
  const old = socket.channels.get(topic);
  old?.stop();
  try {
    await open(socket, message, () => old?.close());
  } catch (error) {
    await refuse(socket, message, error);
    old?.close();
  }
}

async function open(socket: ClientSocket, message: Message, opened: () => void) {
  const { tenant } = socket;
  const payload = message.payload instanceof Map ? message.payload : new Map<string, Json>();
  const name = message.topic.slice(PREFIX.length);
  checkLimits(socket, name);
  const identity = await identify(socket, payload);
  const config = readConfig(payload, name);
  const access = await tenant.access({ name, config }, identity);
  if (!access.read) throw new JoinError(`Unauthorized: ${unauthorized(name)}`);
  const replayed = await replay(tenant.database, name, config);
  if (!socket.isOpen) return;
  const { topic, ref, joinRef } = message;
  const channel = new Channel({
    socket,
    topic,
    name,
    joinRef: joinRef ?? ref,
    config,
    identity,
    access,
  });
  socket.channels.set(topic, channel);
  channel.open();
  socket.reply(message, "ok", echo(config.bindings));
  opened();
  for (const broadcast of replayed) channel.push("broadcast", broadcast);
  // Not waited for: the client's next messages are not to stand behind the database.
  settle(channel).catch((error) => socket.failed(error));
}

/** What a channel is told after the reply to its join. */
async function settle(channel: Channel) {
  const { config, tenant, access } = channel;
  if (config.bindings.length > 0) {
    await Promise.race([tenant.changes.subscribe(channel), channel.socket.delay(SETTLE_MS)]);
  }
  if (!channel.isOpen) return;
  if (config.broadcast.replicationReady) {
    await tenant.messages.ready;
    channel.system("system", "ok", "Replication connection established");
  }
  if (config.presence.enabled && access.presence) {
    channel.push("presence_state", tenant.presence.state(channel));
  }
}

function checkLimits({ tenant, channels }: ClientSocket, name: string) {
  if (name === "") throw new JoinError("TopicNameRequired: You must provide a topic name");
  if (channels.size >= tenant.limits.channels) {
    throw new JoinError("ChannelRateLimitReached: Too many channels");
  }
  if (!tenant.joins.take()) {
    throw new JoinError("ClientJoinRateLimitReached: Too many joins per second");
  }
}

/** The token of the join, or that of the handshake where the join has none of its own. */
async function identify(socket: ClientSocket, payload: Json): Promise<Identity> {
  const token = at(payload, "user_token") ?? at(payload, "access_token");
  const isOwn = typeof token === "string" && !token.startsWith("sb_");
  return await verify(isOwn ? token : socket.identity.token, socket.tenant.keys);
}

async function refuse(socket: ClientSocket, message: Message, error: unknown) {
  let reason: string;
  if (error instanceof TokenError) reason = error.join;
  else if (error instanceof JoinError || error instanceof ReplayError) reason = error.message;
  else {
    const cause = error instanceof Error ? error.message : String(error);
    socket.tenant.log({ event: "join_failed", topic: message.topic, reason: cause });
    reason = "DatabaseError: The database cannot be reached";
  }
  await socket.delay(socket.tenant.delays.joinMs);
  socket.reply(message, "error", JSON.stringify({ reason }));
}
