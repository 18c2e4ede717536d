/** Who is there: a topic's presences, by channel, and the diffs that tell of them. */
import { jsonFrame } from "../wire/frame.ts";
import { encode, type JsonObject, members } from "../wire/json.ts";
import { keyOf, PREFIX, type Topic } from "./topic.ts";
import type { Member, Topics } from "./topics.ts";

/** A channel's presence. Several may share a key. */
interface Meta {
  key: string;
  ref: string;
  /** As JSON, with the ref in it. */
  text: string;
  /** What the client tracked, to recognise a call that changes nothing. */
  tracked: string;
}

export class Presence {
  /** By topic and channel. */
  #metas = new Map<string, Map<Member, Meta>>();
  constructor(readonly topics: Topics) {}

  /** The presence_state of a topic, as JSON. */
  state(topic: Topic): string {
    const metas = this.#metas.get(keyOf(topic))?.values() ?? [];
    const keys = [...Map.groupBy(metas, ({ key }) => key)].sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${keys.map(([key, metas]) => entry(key, metas)).join(",")}}`;
  }

  /** Sets a channel's presence, always under the same key, and tells all if that changes anything. */
  track(member: Member, key: string, payload: JsonObject) {
    const metas = this.#metas.get(keyOf(member)) ?? new Map<Member, Meta>();
    const before = metas.get(member);
    const tracked = encode(payload);
    if (before?.tracked === tracked) return;
    const ref = newRef();
    const meta = { key, ref, tracked, text: metaText(ref, before?.ref, payload) };
    this.#metas.set(keyOf(member), metas.set(member, meta));
    this.#diff(member, entry(key, [meta]), before ? entry(key, [before]) : "");
  }

  /** Takes a channel's presence away and tells the others. */
  leave(member: Member) {
    const metas = this.#metas.get(keyOf(member));
    const meta = metas?.get(member);
    if (!metas || !meta) return;
    metas.delete(member);
    if (metas.size === 0) this.#metas.delete(keyOf(member));
    this.#diff(member, "", entry(meta.key, [meta]));
  }

  #diff(topic: Topic, joins: string, leaves: string) {
    const payload = `{"joins":{${joins}},"leaves":{${leaves}}}`;
    const frame = jsonFrame({ topic: PREFIX + topic.name, event: "presence_diff", payload });
    for (const member of this.topics.of(topic)) if (member.access.presence) member.send(frame);
  }
}

const entry = (key: string, metas: Meta[]) =>
  `${JSON.stringify(key)}:{"metas":[${metas.map((meta) => meta.text).join(",")}]}`;

/** The server's refs come first, and beside a phx_ref that the client put in. */
function metaText(ref: string, previous: string | undefined, payload: JsonObject): string {
  const refs = [`"phx_ref":"${ref}"`];
  if (previous !== undefined) refs.push(`"phx_ref_prev":"${previous}"`);
  return `{${[...refs, ...members(payload)].join(",")}}`;
}

function newRef(): string {
  return crypto.getRandomValues(new Uint8Array(12)).toBase64({ alphabet: "base64url" });
}
