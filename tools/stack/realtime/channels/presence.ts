/** presence: a client says that it is there, or no longer. */
import { Buffer } from "node:buffer";
import { isAllowed } from "../topics/access.ts";
import { encode, type Json } from "../wire/json.ts";
import type { Message } from "../wire/message.ts";
import type { Channel } from "./channel.ts";

/** Handles track and untrack. */
export async function presence(channel: Channel, message: Message) {
  const payload = message.payload instanceof Map ? message.payload : new Map<string, Json>();
  if (!channel.presenceCalls.take()) {
    return channel.shutDown("Client presence rate limit exceeded");
  }
  const name = payload.get("event");
  const event = typeof name === "string" ? name.toLowerCase() : name;
  if (event === "track") return await track(channel, message, payload.get("payload"));
  if (event === "untrack") channel.client.tenant.presence.leave(channel);
  channel.reply(message, event === "untrack" || event === undefined ? "ok" : "error");
}

async function track(channel: Channel, message: Message, payload: Json = new Map()) {
  if (!(await isAllowed(channel.access.mayWrite("presence")))) {
    return channel.reply(message, "error");
  }
  if (!(payload instanceof Map)) {
    const reason = "Presence track payload must be a map";
    return channel.reply(message, "error", JSON.stringify({ reason }));
  }
  const { config: { presence: { key } }, client: { tenant } } = channel;
  if (Buffer.byteLength(encode(payload)) > tenant.limits.payloadBytes) {
    return channel.shutDown("Track message size exceeded");
  }
  channel.reply(message, "ok");
  if (key === undefined) return channel.crash();
  tenant.presence.track(channel, key, payload);
}
