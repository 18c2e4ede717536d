import { bearerToken, tokenVerifier } from "../api/rest_token.ts";
import type { Keys } from "../keys.ts";
import { BOOT_ERROR, NO_TOKEN, type Refusal, WRONG_TOKEN } from "./refuse.ts";

/** A function of a project, as the gateway knows it. */
export interface EdgeFunction {
  /** Whether only who brings a JWT of the project is let in. */
  verifyJwt: boolean;
  /** Gives where it listens, `http://host:port`, once it does; rejects if it does not come up. */
  open(): Promise<string>;
}

/**
 * Where a request to the function goes on, or why it does not. As on hosted projects the token counts
 * in the header `authorization` alone, and a browser's question whether it may ask needs none.
 */
export async function openFunction(
  { verifyJwt, open }: EdgeFunction,
  { method, authorization }: { method?: string; authorization?: string },
  { jwtSecret }: Keys,
): Promise<string | Refusal> {
  if (verifyJwt && method !== "OPTIONS") {
    if (!authorization) return NO_TOKEN;
    const token = bearerToken(authorization);
    if (!token || "refusal" in await tokenVerifier(jwtSecret)(token)) return WRONG_TOKEN;
  }
  return await open().catch(() => BOOT_ERROR);
}
