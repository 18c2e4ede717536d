import type { Targets } from "./gateway/gateway.ts";
import type { Parts } from "./parts.ts";

/** A part that may be another one by and by. */
export interface Replaceable<P> {
  /** The one of now. */
  readonly current: P;
  restart(): Promise<void>;
}

/** Starts a server, leads the gateway to it, and does both again on demand. */
export async function replaceable<P extends { url: string; stop(): Promise<void> }>(
  name: "relay" | "redirect" | "realtime",
  start: () => Promise<P>,
  parts: Parts,
  targets: Targets,
): Promise<Replaceable<P>> {
  let current = await parts.add(name, start);
  targets[name] = current.url;
  return {
    get current() {
      return current;
    },
    async restart() {
      targets[name] = undefined;
      await parts.take(name);
      current = await parts.add(name, start);
      targets[name] = current.url;
    },
  };
}
