/** What is wrong with a broadcast that came by HTTP, by its fields and in the original's words. */
import { Buffer } from "node:buffer";
import { at, encode, type Json } from "../wire/json.ts";

export type Faults = Record<string, string[]>;

const BLANK = "can't be blank";
const INVALID = "is invalid";
const TOO_LARGE = "Payload size exceeds tenant limit";

/** The faults of a message of a list. */
export function faultsOf(message: Json, maxBytes: number): Faults {
  const faults: Faults = {};
  for (const field of ["topic", "event", "payload"]) {
    const value = at(message, field);
    const isRight = field === "payload" ? value instanceof Map : typeof value === "string";
    if (isBlank(value)) faults[field] = [BLANK];
    else if (!isRight) faults[field] = [INVALID];
    else if (field === "payload" && Buffer.byteLength(encode(value!)) > maxBytes) {
      faults[field] = [TOO_LARGE];
    }
  }
  if (flagOf(at(message, "private")) === undefined) faults.private = [INVALID];
  if (idOf(message) === undefined) faults.id = [INVALID];
  return faults;
}

/** The faults of one event, whose topic and name are of its path. */
export function faultsOfOne(topic: string, event: string, bytes: number, maxBytes: number): Faults {
  const faults: Faults = {};
  if (isBlank(topic)) faults.topic = [BLANK];
  if (isBlank(event)) faults.event = [BLANK];
  if (bytes > maxBytes) faults.payload = [TOO_LARGE];
  return faults;
}

/** A message's `private`, as Ecto casts it; undefined where it is neither true nor false. */
export function flagOf(value: Json | undefined): boolean | undefined {
  if (value === true || value === "true" || value === "1") return true;
  const isFalse = [undefined, null, false, "false", "0", ""].some((it) => it === value);
  return isFalse ? false : undefined;
}

/** A message's own id, null where it has none; undefined where it cannot be one. */
export function idOf(message: Json): string | null | undefined {
  const id = at(message, "id");
  if (isBlank(id)) return null;
  return typeof id === "string" ? id : undefined;
}

/** Spaces alone are nothing. */
function isBlank(value: Json | undefined): boolean {
  return value === undefined || value === null || (typeof value === "string" && !value.trim());
}
