import { type Check, skipped } from "../../check.ts";
import { type Context, keyOf } from "../../context.ts";
import { judgeClock } from "./clock.ts";
import { judgeKey } from "./key.ts";
import { judgeToken } from "./token.ts";

/** Judges key and token, without asking the server that refuses them. */
export async function probeKeys(context: Context): Promise<Check[]> {
  const { token } = context.options;
  const key = keyOf(context);
  const checks = key ? await judgeKey(key, context) : [skipped("keys", "no --key was given")];
  if (token) checks.push(...await judgeToken(token, key, context));
  return [...checks, ...await judgeClock(context)];
}
