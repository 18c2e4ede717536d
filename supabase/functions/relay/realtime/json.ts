/** The text is no JSON from here on. */
export const MALFORMED = -1;

/** A value is nested deeper than was asked for. */
export const TOO_DEEP = -2;

/** Deeper than anybody nests; the decoder of Apple's SDK stops here, and others soon after. */
export const MAX_DEPTH = 512;

const QUOTE = 34;
const COMMA = 44;
const MINUS = 45;
const COLON = 58;
const OPEN_LIST = 91;
const BACKSLASH = 92;
const CLOSE_OBJECT = 125;
const OPEN_OBJECT = 123;

/** Shorter strings are looked at by the character, longer ones by the engine, which is quicker then. */
const SHORT = 64;

/** The brackets that are still to come, of the one value that is being looked at. */
const closers = new Uint8Array(MAX_DEPTH);

/**
 * The index behind the JSON value (RFC 8259) that begins at `start`, blanks before it included; or
 * MALFORMED, or TOO_DEEP where it holds lists and objects more than `maxDepth` deep. Takes time in
 * proportion to the text, whatever stands in it, no memory, and no stack: what is to be parsed is
 * looked at by this first.
 */
export function endOfValue(text: string, start: number, maxDepth: number): number {
  let depth = 0;
  let at = start;
  while (true) {
    at = skipBlanks(text, at);
    const first = text.charCodeAt(at);
    if (first === OPEN_LIST || first === OPEN_OBJECT) {
      if (depth === maxDepth) return TOO_DEEP;
      // In ASCII a bracket closes two behind the one that opens.
      closers[depth++] = first + 2;
      at = skipBlanks(text, at + 1);
      if (text.charCodeAt(at) !== first + 2) {
        if (first === OPEN_OBJECT && (at = endOfKey(text, at)) < 0) return MALFORMED;
        continue;
      }
    } else if ((at = endOfScalar(text, at)) < 0) return MALFORMED;
    // Behind a value, or on the bracket that closes an empty one.
    while (true) {
      if (depth === 0) return at;
      at = skipBlanks(text, at);
      const next = text.charCodeAt(at++);
      if (next === closers[depth - 1]) {
        depth--;
        continue;
      }
      if (next !== COMMA) return MALFORMED;
      if (closers[depth - 1] === CLOSE_OBJECT && (at = endOfKey(text, at)) < 0) return MALFORMED;
      break;
    }
  }
}

/** The index of the first character from here on that is no blank of JSON's. */
export function skipBlanks(text: string, start: number): number {
  let at = start;
  // Nearly always one comparison: no sign of JSON's stands before a blank.
  for (let code = text.charCodeAt(at); code <= 32; code = text.charCodeAt(++at)) {
    if (code !== 32 && code !== 10 && code !== 13 && code !== 9) break;
  }
  return at;
}

/** The index behind the string that begins at `at`, or MALFORMED. */
export function endOfString(text: string, at: number): number {
  if (text.charCodeAt(at) !== QUOTE) return MALFORMED;
  const stop = Math.min(text.length, at + SHORT);
  for (let index = at + 1; index < stop; index++) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) return index + 1;
    if (code < 32) return MALFORMED;
    if (code === BACKSLASH && (index = endOfEscape(text, index)) < 0) return MALFORMED;
  }
  return endOfLongString(text, at);
}

function endOfLongString(text: string, at: number): number {
  let quote = at;
  do {
    quote = text.indexOf('"', quote + 1);
    if (quote < 0) return MALFORMED;
  } while (isEscaped(text, quote));
  try {
    JSON.parse(text.slice(at, quote + 1));
    return quote + 1;
  } catch {
    return MALFORMED; // A character that must be escaped, or an escape that is none.
  }
}

/** An odd number of backslashes before it. Each is looked at once: a quote stands between two runs. */
function isEscaped(text: string, at: number): boolean {
  let before = at;
  while (text.charCodeAt(before - 1) === BACKSLASH) before--;
  return (at - before) % 2 === 1;
}

/** The index of an escape's last character. */
function endOfEscape(text: string, at: number): number {
  const code = text.charCodeAt(at + 1);
  if (code !== 117) return '"\\/bfnrt'.includes(text.charAt(at + 1)) ? at + 1 : MALFORMED;
  for (let index = at + 2; index < at + 6; index++) {
    if (!isHex(text.charCodeAt(index))) return MALFORMED;
  }
  return at + 5;
}

/** The index behind a key and its colon. */
function endOfKey(text: string, at: number): number {
  return behindColon(text, endOfString(text, skipBlanks(text, at)));
}

/** The index behind the colon that follows a key which ends at `end`; MALFORMED where that is. */
export function behindColon(text: string, end: number): number {
  if (end < 0) return MALFORMED;
  const colon = skipBlanks(text, end);
  return text.charCodeAt(colon) === COLON ? colon + 1 : MALFORMED;
}

/** The index behind the string, number or word that begins at `at`, or MALFORMED. */
export function endOfScalar(text: string, at: number): number {
  const first = text.charCodeAt(at);
  if (first === QUOTE) return endOfString(text, at);
  if (first === MINUS || isDigit(first)) return endOfNumber(text, at);
  const word = first === 116 ? "true" : first === 102 ? "false" : "null";
  return text.startsWith(word, at) ? at + word.length : MALFORMED;
}

function endOfNumber(text: string, at: number): number {
  const whole = text.charCodeAt(at) === MINUS ? at + 1 : at;
  // No digit follows a zero that leads.
  let end = text.charCodeAt(whole) === 48 ? whole + 1 : endOfDigits(text, whole);
  if (end > 0 && text.charCodeAt(end) === 46) end = endOfDigits(text, end + 1);
  if (end < 0 || (text.charCodeAt(end) | 32) !== 101) return end;
  const sign = text.charCodeAt(end + 1);
  return endOfDigits(text, sign === 43 || sign === MINUS ? end + 2 : end + 1);
}

/** At least one. */
function endOfDigits(text: string, at: number): number {
  let end = at;
  while (isDigit(text.charCodeAt(end))) end++;
  return end > at ? end : MALFORMED;
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57;

function isHex(code: number): boolean {
  return isDigit(code) || ((code | 32) >= 97 && (code | 32) <= 102);
}
