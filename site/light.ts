import type { RelayStatus } from "../client/mod.ts";
import type { Key, Values } from "./text.ts";

export type State = RelayStatus["state"];

/** What the light says in its one line. */
export function headline({ state, retryAt }: RelayStatus, now: number): [Key, Values?] {
  const seconds = Math.ceil(((retryAt ?? 0) - now) / 1000);
  if (state === "reconnecting" && seconds > 0) return ["light.reconnecting.in", { seconds }];
  return [`light.${state}`];
}

/** The relay's reasons are a code and its advice: `token_expired: Refresh the session, then …`. */
export function splitReason(reason = ""): { code: string; advice: string } {
  const [, code = "", advice = reason] = reason.match(/^([a-z][a-z0-9_]*): (.*)$/s) ?? [];
  return { code, advice };
}
