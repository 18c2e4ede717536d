import {
  behindColon,
  endOfScalar,
  endOfString,
  endOfValue,
  MAX_DEPTH,
  skipBlanks,
} from "./json.ts";
import { type Frame, isName, isRef } from "./phoenix.ts";
import type { Vsn } from "./upstream.ts";

/** A client's text frame whose payload nobody has parsed. */
export interface Envelope {
  /** Without its payload. */
  frame: Frame;
  /** What may go upstream for it. */
  text: string;
}

/** A name of 1,024 characters, each of them written as an escape, in its quotes. */
const MAX_NAME_TEXT = 6 * 1_024 + 2;

const QUOTE = 34;
const COMMA = 44;
const OPEN_LIST = 91;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/**
 * Reads whom a text frame is for and what it asks, in a time that is in proportion to what is read,
 * and parses no payload. Undefined for whatever is not a frame with certainty.
 *
 * In vsn 2.0.0 a frame is a list. Its first four values are looked at, and the text goes on as it
 * came. Realtime decodes it by Jason and takes `[join_ref, ref, topic, event, payload | _]`, so what
 * stands behind the four cannot change them: a list has no keys that could come twice, a sixth value
 * is ignored there, and what turns out to be no JSON is dropped there, in silence. The four are read
 * as Jason reads them: JSON's blanks and no byte order mark before them, no character below U+0020
 * and no half of a surrogate pair in a string (a socket would send another character in its place).
 *
 * In vsn 1.0.0 it is an object, in which of two equal keys Realtime takes the first. So all of it is
 * looked at, the last of equal keys counts, and it is put together anew: what goes on has each key
 * once, and for its payload one JSON value.
 */
export function readEnvelope(vsn: Vsn, text: string): Envelope | undefined {
  return vsn === "2.0.0" ? readList(text) : readObject(text);
}

function readList(text: string): Envelope | undefined {
  const start = skipBlanks(text, 0);
  if (text.charCodeAt(start) !== OPEN_LIST) return undefined;
  const values: string[] = [];
  for (let at = start + 1; values.length < 4; at++) {
    at = skipBlanks(text, at);
    const end = endOfScalar(text, at);
    if (end < 0) return undefined;
    values.push(text.slice(at, end));
    at = skipBlanks(text, end);
    if (text.charCodeAt(at) !== COMMA) return undefined;
  }
  const [join_ref, ref, topic, event] = values;
  return envelopeOf({ join_ref, ref, topic, event }, text);
}

/** JSON text by its key. */
type Members = Partial<Record<"join_ref" | "ref" | "topic" | "event" | "payload", string>>;

function readObject(text: string): Envelope | undefined {
  const members = membersOf(text);
  if (!members) return undefined;
  const { topic, event, payload, ref, join_ref } = members;
  let anew = `{"topic":${topic},"event":${event}`;
  if (payload !== undefined) anew += `,"payload":${payload}`;
  if (ref !== undefined) anew += `,"ref":${ref}`;
  if (join_ref !== undefined) anew += `,"join_ref":${join_ref}`;
  return envelopeOf(members, `${anew}}`);
}

function membersOf(text: string): Members | undefined {
  const members: Members = {
    ...{ join_ref: undefined, ref: undefined, topic: undefined, event: undefined },
    payload: undefined,
  };
  let at = skipBlanks(text, 0);
  if (text.charCodeAt(at) !== OPEN_OBJECT) return undefined;
  do {
    const start = skipBlanks(text, at + 1);
    const end = endOfString(text, start);
    const colon = behindColon(text, end);
    if (colon < 0) return undefined;
    const value = skipBlanks(text, colon);
    at = endOfValue(text, value, MAX_DEPTH);
    if (at < 0) return undefined;
    const key = keyOf(text.slice(start, end));
    if (key !== undefined) members[key] = text.slice(value, at);
    at = skipBlanks(text, at);
  } while (text.charCodeAt(at) === COMMA);
  const isWhole = text.charCodeAt(at) === CLOSE_OBJECT && skipBlanks(text, at + 1) === text.length;
  return isWhole ? members : undefined;
}

function keyOf(json: string): keyof Members | undefined {
  const name = scalarOf(json);
  switch (name) {
    case "join_ref":
    case "ref":
    case "topic":
    case "event":
    case "payload":
      return name;
  }
}

function envelopeOf(members: Members, text: string): Envelope | undefined {
  const [topic, event] = [scalarOf(members.topic), scalarOf(members.event)];
  const [ref, join_ref] = [scalarOf(members.ref), scalarOf(members.join_ref)];
  if (!isName(topic) || !isName(event) || !isRef(ref) || !isRef(join_ref)) return undefined;
  return { frame: { join_ref, ref, topic, event }, text };
}

/** The string, number or null that a JSON text is; false for what can be neither a name nor a ref. */
function scalarOf(json: string | undefined): string | number | null | undefined | false {
  if (json === undefined) return undefined;
  if (json.length > MAX_NAME_TEXT) return false;
  if (json.charCodeAt(0) === QUOTE) {
    return json.includes("\\") ? JSON.parse(json) : json.slice(1, -1);
  }
  if (json === "null") return null;
  const number = json === "true" || json === "false" ? NaN : Number(json);
  return Number.isFinite(number) && number;
}
