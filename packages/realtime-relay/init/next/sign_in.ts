import type { Config } from "../config/parse.ts";

/** An entry of RELAY_ISSUERS. */
export interface Issuer {
  issuer: string;
  audience: string;
}

/** How the issuer of each kind of third-party auth follows from its table of config.toml. */
const KINDS: Record<string, (field: (name: string) => string) => Issuer> = {
  clerk: (field) => ({ issuer: `https://${field("domain")}`, audience: "any" }),
  firebase: (field) => ({
    issuer: `https://securetoken.google.com/${field("project_id")}`,
    audience: field("project_id"),
  }),
  auth0: (field) => {
    const region = field("tenant_region");
    const host = region.startsWith("<") ? field("tenant") : `${field("tenant")}.${region}`;
    return { issuer: `https://${host}.auth0.com/`, audience: "any" };
  },
  aws_cognito: (field) => ({
    issuer: `https://cognito-idp.${field("user_pool_region")}.amazonaws.com/${
      field("user_pool_id")
    }`,
    audience: "any",
  }),
  workos: (field) => ({ issuer: field("issuer_url"), audience: "any" }),
};

/** The issuers that config.toml turns on beside Supabase's own Auth; `<…>` for what it does not say. */
export function issuersOf(config: Config): Issuer[] {
  return Object.entries(config.auth?.third_party ?? {}).flatMap(([kind, table]) => {
    if (table?.enabled !== true || !Object.hasOwn(KINDS, kind)) return [];
    return KINDS[kind]((name) => {
      const value = table[name];
      const isSaid = typeof value === "string" && value !== "" && !/^env\(/.test(value);
      return isSaid ? value.replace(/[^\w.:/-]/g, "") : `<${name}>`;
    });
  });
}
