/**
 * How Realtime reads `private`, which differs from place to place: recorded from 2.129.8, but for `"0"`,
 * `""` and a body that says false or null, which were read in its source.
 */
import { RelayError } from "../errors.ts";
import type { JsonText } from "./json_text.ts";

/** The query of one event: the word `true`, of two the last. */
export function queryIsPrivate(query: URLSearchParams): boolean {
  return query.getAll("private").at(-1) === "true";
}

/**
 * What the JSON body of one event says of itself, which counts against the query too: true and
 * `"true"` are private, everything else is public. Undefined where it says nothing. The body goes on
 * as it came: throws `bad_request` for one that says it twice, of which others might take the other.
 */
export function bodyIsPrivate(text: JsonText): boolean | undefined {
  let found: boolean | undefined;
  if (text.isObject(text.start)) text.end(text.object(text.start, look));
  else text.end(text.endOf(text.start));
  return found;

  function look(name: number, from: number): number {
    const to = text.endOf(from);
    if (!text.says(name, "private")) return to;
    if (found !== undefined) throw new RelayError("bad_request", "The body says private twice.");
    found = text.isWord(from, "true") || text.says(from, "true");
    return to;
  }
}

/**
 * What the `private` of a list's message says; a message without it is public. Throws `bad_request`
 * for what Realtime takes for neither: it would refuse the whole list.
 */
export function messageIsPrivate(text: JsonText, value: number | undefined): boolean {
  if (value === undefined) return false;
  if (text.isWord(value, "true")) return true;
  if (["true", "1"].some((word) => text.says(value, word))) return true;
  if (["false", "null"].some((word) => text.isWord(value, word))) return false;
  if (["false", "0", ""].some((word) => text.says(value, word))) return false;
  throw new RelayError("bad_request", "A message's private is neither true nor false.");
}
