import { RelayError } from "../errors.ts";
import { endOfValue, TOO_DEEP } from "./json.ts";
import { type Frame, parseFrame } from "./phoenix.ts";
import type { Vsn } from "./upstream.ts";

/** A hundred bindings of 500 characters and a token of 8,192, which is the longest there is. */
const MAX_LENGTH = 65_536;

/** A binding's list of columns lies six deep, envelope included. */
const MAX_DEPTH = 32;

/**
 * Parses a frame by which the relay's knowledge changes, payload included: what is one for the relay
 * must be one for Realtime too. `account` is asked for the work before it is done. Throws `too_big` or
 * `too_deep`; undefined for what is no frame.
 */
export function parseWhole(
  vsn: Vsn,
  text: string,
  account: { parse(size: number): void },
): Frame | undefined {
  if (text.length > MAX_LENGTH) throw new RelayError("too_big", "A message is too big.");
  account.parse(text.length);
  if (endOfValue(text, 0, MAX_DEPTH) === TOO_DEEP) {
    throw new RelayError("too_deep", "A message nests too deep.");
  }
  return parseFrame(vsn, text);
}
