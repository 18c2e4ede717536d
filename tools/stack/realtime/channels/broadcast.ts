/** Broadcasts of clients: to everybody on the topic, to the sender if it asked for that. */
import { Buffer } from "node:buffer";
import { isAllowed } from "../topics/access.ts";
import { bytesFrame, jsonFrame, type Outgoing, userBroadcastFrame } from "../wire/frame.ts";
import { encode } from "../wire/json.ts";
import { Bytes, type Message, UserBroadcast } from "../wire/message.ts";
import type { Channel } from "./channel.ts";

/** Passes a broadcast on. One that the sender may not send is dropped without a word. */
export async function broadcast(channel: Channel, message: Message) {
  const { client: { tenant }, config: { broadcast: { ack, self } } } = channel;
  if (!(await isAllowed(channel.access.mayWrite("broadcast")))) return;
  const frame = outgoing(channel.topic, message);
  if (sizeOf(message.payload) > tenant.limits.payloadBytes) {
    if (ack) channel.reply(message, "error", '"payload_size_exceeded"');
    return;
  }
  tenant.topics.send(channel, frame, self ? undefined : channel);
  if (ack) channel.reply(message, "ok");
}

function outgoing(topic: string, { event, payload }: Message): Outgoing {
  if (payload instanceof UserBroadcast) return userBroadcastFrame(topic, payload);
  if (payload instanceof Bytes) return bytesFrame(topic, event, payload.data);
  return jsonFrame({ topic, event, payload: encode(payload) });
}

function sizeOf(payload: Message["payload"]): number {
  if (payload instanceof UserBroadcast || payload instanceof Bytes) return payload.data.length;
  return Buffer.byteLength(encode(payload));
}
