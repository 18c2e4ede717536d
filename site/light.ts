import type { RelayStatus } from "../client/mod.ts";
import type { Standing } from "./data/live.ts";
import type { Key, Values } from "./text.ts";

/** What is shown of the connection. */
export interface Shown extends Omit<RelayStatus, "state"> {
  state: Exclude<RelayStatus["state"], "closed"> | Standing["state"];
  /** Refused is a channel, on a socket that is fine. */
  channelOnly?: boolean;
}

/** The transport's status and, on a socket that is fine, how the channels stand on it. */
export function shown(status: RelayStatus, standing: Standing): Shown {
  const { state } = status;
  if (state === "live") {
    return { ...status, ...standing, channelOnly: standing.state === "refused" };
  }
  if (state !== "closed") return { ...status, state };
  // Between two persons, before the first, and where there is nothing to follow.
  return { ...status, state: standing.state === "idle" ? "idle" : "connecting" };
}

/** What the light says in its one line. */
export function headline({ state, retryAt }: Shown, now: number): [Key, Values?] {
  const seconds = Math.ceil(((retryAt ?? 0) - now) / 1000);
  if (state === "reconnecting" && seconds > 0) return ["light.reconnecting.in", { seconds }];
  return [`light.${state}`];
}

/** The relay's reasons are a code and its advice: `token_expired: Refresh the session, then …`. */
export function splitReason(reason = ""): { code: string; advice: string } {
  const [, code = "", advice = reason] = reason.match(/^([a-z][a-z0-9_]*): (.*)$/s) ?? [];
  return { code, advice };
}
