/** Who is there: a topic's presences, by key and channel, and the diffs that tell of them. */
import type { Channel } from "./channel.ts";
import { Digits, encode, entries, type Json, type JsonObject } from "./json.ts";
import { jsonFrame, type Message } from "./serializer.ts";

/** A channel's presence under its key. */
interface Meta {
  ref: string;
  /** As JSON, with the ref in it. */
  text: string;
  /** What the client tracked, to recognise a call that changes nothing. */
  tracked: string;
}

export class Presence {
  /** By topic and key; one key holds a meta for each channel. */
  #metas = new Map<string, Map<string, Map<Channel, Meta>>>();
  #keys = new WeakMap<Channel, string>();

  /** Handles track and untrack. */
  async handle(channel: Channel, message: Message) {
    const payload = message.payload instanceof Map ? message.payload : new Map<string, Json>();
    if (!channel.presenceCalls.take()) {
      return channel.shutDown("Client presence rate limit exceeded");
    }
    if (channel.config.private && !(await channel.access.mayWrite("presence"))) {
      return channel.reply(message, "error");
    }
    const event = payload.get("event");
    if (event === "track") return this.#track(channel, message, payload.get("payload"));
    if (event === "untrack") this.leave(channel);
    channel.reply(message, event === "untrack" || event === undefined ? "ok" : "error");
  }

  /** The presence_state of a channel's topic, as JSON. */
  state(channel: Channel): string {
    const keys = [...this.#metas.get(topicOf(channel)) ?? []].sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${keys.map(([key, metas]) => entry(key, [...metas.values()])).join(",")}}`;
  }

  /** Takes a channel's presence away and tells the others. */
  leave(channel: Channel) {
    const key = this.#keys.get(channel);
    const topic = this.#metas.get(topicOf(channel));
    const metas = key === undefined ? undefined : topic?.get(key);
    const meta = metas?.get(channel);
    if (key === undefined || !topic || !metas || !meta) return;
    metas.delete(channel);
    if (metas.size === 0) topic.delete(key);
    if (topic.size === 0) this.#metas.delete(topicOf(channel));
    this.#diff(channel, "", entry(key, [meta]));
  }

  #track(channel: Channel, message: Message, payload: Json = new Map()) {
    if (!(payload instanceof Map)) {
      const reason = "Presence track payload must be a map";
      return channel.reply(message, "error", JSON.stringify({ reason }));
    }
    channel.reply(message, "ok");
    const key = this.#keyOf(channel);
    if (key === undefined) return channel.crash();
    const topic = this.#metas.get(topicOf(channel)) ?? new Map<string, Map<Channel, Meta>>();
    const metas = topic.get(key) ?? new Map<Channel, Meta>();
    const before = metas.get(channel);
    const tracked = encode(payload);
    if (before?.tracked === tracked) return;
    const ref = newRef();
    const meta = { ref, tracked, text: metaText(ref, before?.ref, payload) };
    this.#metas.set(topicOf(channel), topic.set(key, metas.set(channel, meta)));
    this.#diff(channel, entry(key, [meta]), before ? entry(key, [before]) : "");
  }

  #diff(channel: Channel, joins: string, leaves: string) {
    const payload = `{"joins":{${joins}},"leaves":{${leaves}}}`;
    const frame = jsonFrame({ topic: channel.topic, event: "presence_diff", payload });
    for (const member of channel.tenant.topics.of(channel.name, channel.config.private)) {
      if (member.access.presence) member.socket.send(frame);
    }
  }

  /** The key that a client chose, or one of its own; undefined where the choice cannot be one. */
  #keyOf(channel: Channel): string | undefined {
    const chosen = channel.config.presence.key;
    if (typeof chosen === "object" && !(chosen instanceof Digits)) return undefined;
    const key = this.#keys.get(channel) ?? (keyText(chosen) || crypto.randomUUID());
    this.#keys.set(channel, key);
    return key;
  }
}

const keyText = (key: Json) => (typeof key === "string" ? key : encode(key));

const topicOf = (channel: Channel) => `${channel.config.private}:${channel.name}`;

const entry = (key: string, metas: Meta[]) =>
  `${JSON.stringify(key)}:{"metas":[${metas.map((meta) => meta.text).join(",")}]}`;

/** The server's refs come first, and beside a phx_ref that the client put in. */
function metaText(ref: string, previous: string | undefined, payload: JsonObject): string {
  const parts = [`"phx_ref":"${ref}"`];
  if (previous !== undefined) parts.push(`"phx_ref_prev":"${previous}"`);
  for (const [key, value] of entries(payload)) {
    parts.push(`${JSON.stringify(key)}:${encode(value)}`);
  }
  return `{${parts.join(",")}}`;
}

function newRef(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}
