/** access_token: a new token for a channel. One that may not read the topic any more ends it. */
import { isApiKey, TokenError, verify } from "../token.ts";
import { accessTo, isRevoked, mayJoin, RightsError, unauthorized } from "../topics/access.ts";
import type { Message } from "../wire/message.ts";
import type { Channel } from "./channel.ts";

/** Where the table of messages has no partition for the day. */
const NO_PARTITION = "Realtime was unable to connect to the project database";

/** Renews a channel's rights; a bad token ends it too, and the one that it has changes nothing. */
export async function renew(channel: Channel, { payload }: Message) {
  const { tenant, headers } = channel.client;
  const token = payload instanceof Map ? payload.get("access_token") : undefined;
  if (typeof token !== "string" || isApiKey(token) || token === channel.identity.token) return;
  try {
    const identity = await verify(token, tenant.keys);
    const presence = channel.config.presence.enabled || channel.access.presence !== undefined;
    const access = await accessTo(channel, {
      database: tenant.database,
      client: { identity, headers },
      presence,
    });
    if (!channel.isOpen) return;
    if (!mayJoin(access)) return channel.shutDown(unauthorized(channel));
    if (isRevoked(channel.access, access)) {
      const words = "You no longer have permission to read from this Channel topic";
      return channel.shutDown(`${words}: ${channel.name}`);
    }
    channel.renew(identity, access);
  } catch (error) {
    if (error instanceof TokenError) return channel.shutDown(error.system);
    if (error instanceof RightsError) {
      return channel.shutDown(error.fault === "policy" ? unauthorized(channel) : NO_PARTITION);
    }
    throw error;
  }
  // Not waited for: the client's next messages are not to stand behind the database.
  if (channel.bindings.length > 0) tenant.changes.subscribe(channel);
}
