/** What a terminal obeys; in a line to paste it is written by its number. */
const OBEYED = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const UNITS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const escaped = (sign: string) => {
  const code = sign.codePointAt(0)!.toString(16);
  return code.length > 4 ? `\\+${code.padStart(6, "0")}` : `\\${code.padStart(4, "0")}`;
};

/** A name as SQL takes it; words that PostgreSQL keeps for itself are quoted as well as odd ones. */
export const ident = (name: string): string =>
  OBEYED.test(name)
    ? `U&"${name.replaceAll("\\", "\\\\").replaceAll('"', '""').replace(UNITS, escaped)}"`
    : /^[a-z_][a-z0-9_]*$/.test(name) && !RESERVED.has(name)
    ? name
    : `"${name.replaceAll('"', '""')}"`;

/** Its own list, as pg_get_keywords() has it: reserved, and for functions and types alone. */
const RESERVED = new Set(
  "all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create current_catalog current_date current_role current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign from grant group having in initially intersect into lateral leading limit localtime localtimestamp not null offset on only or order placing primary references returning select session_user some symmetric system_user table then to trailing true union unique user using variadic when where window with authorization binary collation concurrently cross current_schema freeze full ilike inner is isnull join left like natural notnull outer overlaps right similar tablesample verbose"
    .split(" "),
);

/** A text as SQL takes it. */
export const literal = (text: string): string =>
  `${text.includes("\\") ? "E" : ""}'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
