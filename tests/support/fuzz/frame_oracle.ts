/**
 * Which frames may reach Realtime, read from docs/PROTOCOL.md and not from the relay: each must be
 * what one of the client's frames, in their order, may become. What arrives is read as Realtime reads
 * it, by the first of equal keys.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Vsn } from "../../../supabase/functions/relay/upstream.ts";
import { parseFirstKey } from "./first_key_json.ts";
import type { Data } from "./frames.ts";

/** The policy of the relay that is fuzzed, and what its checks below know. */
export const POLICY = JSON.stringify({
  "*": { topics: ["room:*"], tables: ["public.url_clicks"] },
});
const ALLOWED_TOPIC = /^(realtime:)?room:/;
const ALLOWED_TABLE = '["public","url_clicks"]';

type Fields = Record<"joinRef" | "ref" | "topic" | "event", unknown> & {
  payload: Record<string, unknown>;
};

/** Claims of the tokens that the relay may verify, by the token. */
export type Verified = ReadonlyMap<string, { sub: string; exp: number }>;

/** One socket's arrivals; `sub` is whom the handshake named, undefined for a viewer. */
export class FrameOracle {
  readonly #joined = new Set<unknown>();
  #exp = 0;
  #sub: string | undefined;

  constructor(readonly vsn: Vsn, readonly verified: Verified, sub?: string) {
    this.#sub = sub;
  }

  /** Throws for an arrival that none of what was sent explains. */
  check(sent: readonly Data[], arrived: readonly Data[]): void {
    let next = 0;
    for (const data of arrived) {
      while (next < sent.length && !this.#explains(sent[next], data)) next++;
      assert.ok(next++ < sent.length, `nothing explains ${String(data).slice(0, 300)}`);
    }
  }

  #explains(from: Data, to: Data): boolean {
    if (typeof from === "string" && typeof to === "string") return this.#explainsText(from, to);
    return from instanceof Uint8Array && to instanceof Uint8Array && this.vsn === "2.0.0" &&
      Buffer.compare(from, to) === 0 && this.#isBroadcast(to);
  }

  #explainsText(from: string, to: string): boolean {
    const origin = fieldsOf(this.vsn, parse(from));
    const { value, hasDuplicates } = parseFirstKey(to);
    // Without a prototype an object that nests this deep could not be compared.
    const frame = fieldsOf(this.vsn, hasDuplicates ? value : JSON.parse(to));
    assert.ok(frame, "a frame of the wrong shape arrived");
    if (!origin) return false;
    const { joinRef, ref, topic, event, payload } = frame;
    const isSame = same([joinRef, ref, topic], [origin.joinRef, origin.ref, origin.topic]);
    if (!isSame) return false;
    const isAnew = !hasDuplicates && (event === origin.event || event === "phx_leave");
    const isWhole = this.vsn === "2.0.0" ? from === to : isAnew && same(payload, origin.payload);
    switch (event) {
      case "phx_join":
        return isAnew && this.#isJoin(frame, origin);
      case "access_token":
        return isAnew && Object.keys(payload).join() === event && this.#isVerified(payload[event]);
      case "phx_leave":
        return isWhole || (isAnew && origin.event === "access_token" && same(payload, {}));
      case "broadcast":
      case "presence":
        return isWhole && ALLOWED_TOPIC.test(String(topic));
      case "heartbeat":
        return isWhole;
    }
    return false;
  }

  #isJoin({ topic, payload }: Fields, origin: Fields): boolean {
    const { config, access_token, ...rest } = payload;
    if (!ALLOWED_TOPIC.test(String(topic)) || !same(rest, {})) return false;
    if (!same(config, origin.payload?.config)) return false;
    const bindings = (config as { postgres_changes?: unknown }).postgres_changes ?? [];
    const isAllowed = (bindings as { schema: string; table: string }[])
      .every(({ schema, table }) => JSON.stringify([schema, table]) === ALLOWED_TABLE);
    if (!isAllowed) return false;
    if (access_token === undefined ? this.#sub !== undefined : !this.#isVerified(access_token)) {
      return false;
    }
    this.#joined.add(topic);
    return true;
  }

  /** One user a socket, and never an older token after a newer one. */
  #isVerified(token: unknown): boolean {
    const claims = this.verified.get(String(token));
    if (!claims || claims.exp < this.#exp || claims.sub !== (this.#sub ?? claims.sub)) return false;
    this.#sub = claims.sub;
    this.#exp = claims.exp;
    return true;
  }

  #isBroadcast(bytes: Uint8Array): boolean {
    const start = 7 + bytes[1] + bytes[2];
    const whole = start + bytes[3] + bytes[4] + bytes[5];
    const topic = Buffer.from(bytes.subarray(start, start + bytes[3])).toString();
    return bytes[0] === 3 && whole <= bytes.length && this.#joined.has(topic);
  }
}

function fieldsOf(vsn: Vsn, value: unknown): Fields | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (Array.isArray(value) !== (vsn === "2.0.0")) return undefined;
  const { join_ref, ref, topic, event, payload } = value as Record<string, never>;
  if (!Array.isArray(value)) return { joinRef: join_ref, ref, topic, event, payload };
  if (value.length !== 5) return undefined;
  return { joinRef: value[0], ref: value[1], topic: value[2], event: value[3], payload: value[4] };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Equal as JSON; what is nested too deep to be written is not. */
function same(a: unknown, b: unknown): boolean {
  try {
    return JSON.stringify(a) === JSON.stringify(b);
  } catch {
    return false;
  }
}
