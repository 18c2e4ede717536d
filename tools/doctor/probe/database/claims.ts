import { type Context, keyOf } from "../../context.ts";
import { claimsOf } from "../keys/jwt.ts";

/** Whom the doctor asks as: the user of the token, else the public role, as with a publishable key. */
export function askingAs(context: Context): { role: string } & Record<string, unknown> {
  const claims = claimsOf(context.options.token ?? keyOf(context) ?? "");
  return claims?.role && typeof claims.role === "string"
    ? { ...claims, role: claims.role }
    : { role: "anon" };
}
