import type { Check } from "../check.ts";
import type { Context } from "../context.ts";
import { describe } from "../findings/mod.ts";
import { fileOf, linesFor, PROXIES } from "../fixes/mod.ts";
import { wayOf } from "../fixes/way.ts";

export const DOCS = "docs/TROUBLESHOOTING.md";

/** The lines that mend a cause here: for this path, port, prefix, role and table. */
export function pasteOf({ id, paste, at }: Check, context: Context): string[] {
  const { proxy, gateway, target, options } = context;
  const { lines, settings } = describe(id!);
  const way = wayOf(at ?? target.socket, gateway);
  const ofProxy = lines && proxy && linesFor(lines, proxy, way);
  const atHand = (line: string) =>
    line.replaceAll("example.com", target.socket.hostname)
      .replaceAll("realtime-dev", options.tenant === "realtime" ? "realtime-dev" : options.tenant);
  return paste ?? (ofProxy || settings?.split("\n"))?.map(atHand) ??
    (lines ? [`(no proxy gave itself away; --proxy ${PROXIES.join("|")} prints lines)`] : []);
}

/** Where a whole file of this repository does what the lines do. */
export function fileFor({ id, paste, at }: Check, { proxy, target }: Context): string | undefined {
  const isRoute = describe(id!).lines === "route" && !paste;
  return isRoute && proxy ? fileOf(proxy, wayOf(at ?? target.socket)) : undefined;
}
