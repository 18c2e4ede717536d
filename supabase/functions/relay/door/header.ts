import { RelayError } from "../errors.ts";

/** Twice a token of 8 kB, which no header with a credential is longer than. */
const MAX_LENGTH = 16_384;

/** A header's value; empty where it is absent. Throws `bad_request` for a longer one. */
export function headerOf(headers: Headers, name: string, most = MAX_LENGTH): string {
  return bounded(headers.get(name) ?? "", `header ${name}`, most);
}

/** The query of a URL. Throws `bad_request` for a longer one. */
export function queryOf(url: URL): URLSearchParams {
  bounded(url.search, "query", MAX_LENGTH);
  return url.searchParams;
}

/** The path and the query of a URL, as they are written. Throws `bad_request` for a longer query. */
export function targetOf(url: URL): string {
  return url.pathname + bounded(url.search, "query", MAX_LENGTH);
}

function bounded(text: string, what: string, most: number): string {
  if (text.length <= most) return text;
  throw new RelayError("bad_request", `The request's ${what} is over ${most} characters.`);
}
