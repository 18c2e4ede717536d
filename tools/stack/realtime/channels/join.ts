/** phx_join: from the topic and the token to the reply and what follows it. */
import { reasonOf } from "../../log.ts";
import { within } from "../../within.ts";
import { echo } from "../bindings/bindings.ts";
import { type Identity, isApiKey, TokenError, verify } from "../token.ts";
import { accessTo, mayJoin, RightsError, unauthorized } from "../topics/access.ts";
import { PREFIX, type Topic } from "../topics/topic.ts";
import { userBroadcastFrame } from "../wire/frame.ts";
import { at, type Json } from "../wire/json.ts";
import type { Message } from "../wire/message.ts";
import { Channel, type Client } from "./channel.ts";
import { readConfig } from "./join_config.ts";
import { replay, ReplayError } from "./replay.ts";

/** The state of presence follows the subscription, as recorded, but does not wait longer. */
const SETTLE_MS = 1_000;

/** Why a join is refused; the socket stays open, unless it is ended with a code. */
class JoinError extends Error {
  constructor(reason: string, readonly ends?: number) {
    super(reason);
  }
}

/** Joins a topic. A second join of a topic takes the place of the first. */
export async function join(client: Client, message: Message) {
  const { socket, channels } = client;
  const { topic } = message;
  if (!topic.startsWith(PREFIX)) {
    return socket.reply(message, "error", '{"reason":"unmatched topic"}');
  }
  const old = channels.get(topic);
  old?.stop();
  try {
    await open(client, message, () => old?.close());
  } catch (error) {
    await refuse(client, message, error);
    old?.close();
  }
}

async function open(client: Client, message: Message, opened: () => void) {
  const { tenant, socket } = client;
  const { payload, joinRef } = message;
  const asked = payload instanceof Map ? payload : new Map<string, Json>();
  const name = message.topic.slice(PREFIX.length);
  checkLimits(client, name);
  const identity = await identify(client, asked);
  const config = readConfig(asked, name);
  const topic = { name, isPrivate: config.private };
  const { presence: { enabled: presence }, broadcast } = config;
  const asking = { identity, headers: client.headers };
  const access = await accessTo(topic, { database: tenant.database, client: asking, presence })
    .catch((error) => {
      throw error instanceof RightsError ? new JoinError(reasonFor(error, topic)) : error;
    });
  // Past broadcasts are refused to who may not have those to come.
  const isAllowed = broadcast.replay === undefined ? mayJoin(access) : access.broadcast;
  if (!isAllowed) throw new JoinError(`Unauthorized: ${unauthorized(topic)}`);
  const replayed = await replay(tenant.database, topic, broadcast.replay);
  if (!socket.isOpen) return;
  const channel = new Channel({ client, name, joinRef, config, identity, access });
  channel.open();
  channel.reply(message, "ok", echo(config.bindings));
  opened();
  for (const one of replayed) {
    if (typeof one === "string") channel.push("broadcast", one);
    else channel.send(userBroadcastFrame(channel.topic, one));
  }
  // Not waited for: the client's next messages are not to stand behind the database.
  settle(channel).catch((error) => socket.failed(error));
}

/** What a channel is told after the reply to its join. */
async function settle(channel: Channel) {
  const { config, client: { tenant, socket }, access } = channel;
  if (config.bindings.length > 0) {
    await within(SETTLE_MS, Promise.race([tenant.changes.subscribe(channel), socket.closed]));
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

/** A policy that fails grants nothing. */
function reasonFor({ fault }: RightsError, topic: Topic): string {
  return fault === "policy"
    ? `Unauthorized: ${unauthorized(topic)}`
    : "MissingPartition: Realtime was unable to find the expected messages partition";
}

function checkLimits({ tenant, channels }: Client, name: string) {
  if (name === "") throw new JoinError("TopicNameRequired: You must provide a topic name");
  if (!tenant.joins.take()) {
    throw new JoinError("ClientJoinRateLimitReached: Too many joins per second", 1001);
  }
  if (channels.size >= tenant.limits.channels) {
    throw new JoinError("ChannelRateLimitReached: Too many channels");
  }
}

/**
 * The token of the join, or that of the handshake where the join has none of its own. An API key as
 * access_token stands for none, beside a user_token too.
 */
async function identify({ tenant, identity }: Client, payload: Json): Promise<Identity> {
  const [access, user] = ["access_token", "user_token"].map((key) => at(payload, key));
  const tokens = isApiKey(access ?? user) ? [] : [user, access];
  const token = tokens.find((it) => typeof it === "string") ?? identity.token;
  return await verify(token, tenant.keys);
}

async function refuse({ tenant, socket }: Client, message: Message, error: unknown) {
  let reason: string;
  if (error instanceof TokenError) reason = error.join;
  else if (error instanceof JoinError || error instanceof ReplayError) reason = error.message;
  else {
    tenant.log({ event: "join_failed", topic: message.topic, reason: reasonOf(error) });
    reason = "DatabaseError: The database cannot be reached";
  }
  await within(tenant.delays.joinMs, socket.closed);
  socket.reply(message, "error", JSON.stringify({ reason }));
  if (error instanceof JoinError && error.ends) socket.close(error.ends);
}
