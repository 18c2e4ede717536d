import { readText } from "../../ask/read_text.ts";
import { type Check, found, ok, skipped } from "../../check.ts";
import type { Context } from "../../context.ts";

/** What a minute of NTP failure does not reach, and what makes fresh tokens look wrong. */
export const SKEW_MS = 30_000;

/** The Date of an answer, which is whole seconds, against the clock here. */
export async function judgeClock({ target, options }: Context): Promise<Check[]> {
  try {
    const url = new URL("/", target.socket);
    const { headers } = await readText(url, { waitMs: options.waitMs, most: 1 });
    const skew = Date.now() - Date.parse(headers.get("date") ?? "");
    if (Number(headers.get("age")) > 0) {
      return [skipped("keys", "a cache answers, whose Date tells nothing of the server's clock")];
    }
    if (Number.isNaN(skew)) {
      return [skipped("keys", "the server tells no Date to compare clocks by")];
    }
    const seconds = Math.round(Math.abs(skew) / 1000);
    if (seconds * 1000 <= SKEW_MS) return [ok("keys", "the server's clock agrees with this one")];
    const side = skew > 0 ? "behind" : "ahead of";
    return [found("clock_skew", `the server is ${seconds} s ${side} this machine`)];
  } catch {
    return [skipped("keys", "no plain answer came to compare clocks by")];
  }
}
