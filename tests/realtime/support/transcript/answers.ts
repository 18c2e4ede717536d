/** Compares answers of HTTP: status, body, and those headers that are the protocol's. */
import type { Difference } from "./compare.ts";
import type { Answer } from "./steps.ts";

/** The others are of the HTTP server, of the day, or counters of a rolling second. */
const HEADERS = ["content-type", "content-length", "x-rate-limit"];

export function compareAnswers(line: number, recorded: Answer, got: Answer): Difference[] {
  const [expected, answered] = [recorded, got].map((answer) => print(answer, recorded));
  return expected === answered ? [] : [{ line, what: "is answered", expected, got: answered }];
}

/** Where a recording has no headers, it says nothing of them, nor of the body. */
function print({ status, headers, body }: Answer, recorded: Answer): string {
  if (Object.keys(recorded.headers).length === 0) return String(status);
  const told = HEADERS.filter((name) => headers[name] !== undefined)
    .map((name) => `${name}: ${headers[name]}`);
  return [status, ...told, body].join(" | ");
}
