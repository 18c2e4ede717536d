/**
 * Which frames may reach Realtime, read from docs/PROTOCOL.md and not from the relay: each must be
 * what one of the client's frames, in their order, may become. What arrives is read as Realtime reads
 * it, by the first of equal keys.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Vsn } from "../../../../supabase/functions/relay/realtime/upstream.ts";
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
  /** The refs by which each topic was joined. */
  readonly #joined = new Map<unknown, Set<unknown>>();
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
    const isWhole = this.vsn === "2.0.0" && from === to;
    const value = parse(to);
    // Realtime passes over what is no JSON.
    if (value === undefined && this.vsn === "2.0.0") return isWhole;
    const frame = fieldsOf(this.vsn, value, this.vsn === "2.0.0");
    assert.ok(frame, "a frame of the wrong shape arrived");
    const origin = fieldsOf(this.vsn, parse(from), isWhole) ?? deepToken(this.vsn, from);
    if (!origin) return false;
    const { value: first, hasDuplicates } = parseFirstKey(to);
    const asRead = fieldsOf(this.vsn, first, true)!;
    const names = ({ joinRef, ref, topic, event }: Fields) => [joinRef, ref, topic, event];
    assert.ok(same(names(asRead), names(frame)), "whom a frame is for depends on who reads it");
    if (this.#isOwnLeave(frame)) return origin.event === "access_token";
    if (!same(names(frame), names(origin))) return false;
    const { topic, event, payload } = frame;
    const isPassed = isWhole || (this.vsn === "1.0.0" && same(payload, origin.payload));
    switch (event) {
      case "phx_join":
        return !hasDuplicates && this.#isJoin(frame, origin);
      case "access_token":
        return !hasDuplicates && Object.keys(payload).join() === event &&
          this.#isVerified(payload[event]);
      case "phx_leave":
        return same(payload, {});
      case "broadcast":
      case "presence":
        return isPassed && ALLOWED_TOPIC.test(String(topic));
      case "heartbeat":
        return isPassed;
    }
    return false;
  }

  /** What the relay itself leaves, where a token was bad. */
  #isOwnLeave({ joinRef, ref, topic, event, payload }: Fields): boolean {
    return event === "phx_leave" && String(ref).startsWith("relay:leave:") &&
      same(payload, {}) && (this.#joined.get(topic)?.has(joinRef ?? null) ?? false);
  }

  #isJoin({ joinRef, topic, payload }: Fields, origin: Fields): boolean {
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
    this.#joined.set(topic, (this.#joined.get(topic) ?? new Set()).add(joinRef ?? null));
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
    if (bytes[0] !== 3 || bytes.length < 7) return false;
    const fields: (string | undefined)[] = [];
    let at = 7;
    for (const length of bytes.subarray(1, 6)) {
      fields.push(decode(bytes.subarray(at, at += length)));
    }
    const [, , topic, , metadata] = fields;
    if (at > bytes.length || fields.includes(undefined) || !this.#joined.has(topic)) return false;
    if (metadata !== "" && parse(metadata) === undefined) return false;
    // Every encoding but 0 is JSON to Realtime.
    return bytes[6] === 0 || parse(decode(bytes.subarray(at))) !== undefined;
  }
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** `mayGoOn`: whether a list may go on behind its fifth value, which Realtime then takes no notice of. */
function fieldsOf(vsn: Vsn, value: unknown, mayGoOn: boolean): Fields | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (Array.isArray(value) !== (vsn === "2.0.0")) return undefined;
  const { join_ref, ref, topic, event, payload } = value as Record<string, never>;
  if (!Array.isArray(value)) return { joinRef: join_ref, ref, topic, event, payload };
  if (value.length < 5 || (value.length > 5 && !mayGoOn)) return undefined;
  return { joinRef: value[0], ref: value[1], topic: value[2], event: value[3], payload: value[4] };
}

/** Deeper than this, envelope included, nobody reads a token to its end, where it may be no JSON. */
const MAX_TOKEN_DEPTH = 32;

/** The fields of a list that brings a token which nests too deep. */
function deepToken(vsn: Vsn, text: string): Fields | undefined {
  const [head] = /^[ \t\r\n]*\[(?:[^,]*,){4}/.exec(text) ?? [];
  if (vsn === "1.0.0" || head === undefined) return undefined;
  const [joinRef, ref, topic, event] = parse(`${head}null]`) as unknown[] ?? [];
  const [opening] = text.slice(head.length).split(/[\]}]/, 1);
  const depth = 1 + (opening.match(/[[{]/g)?.length ?? 0);
  if (event !== "access_token" || depth <= MAX_TOKEN_DEPTH) return undefined;
  return { joinRef, ref, topic, event, payload: {} };
}

function parse(text: string | undefined): unknown {
  try {
    return JSON.parse(text!);
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
