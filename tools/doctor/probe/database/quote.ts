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

/** Those that somebody may call a role, a column or a policy. */
const RESERVED = new Set(
  "all and any array as asc both case check column default desc do else end false for from grant group in into limit not null offset on only or order primary references select table then to true union unique user using when where with"
    .split(" "),
);

/** A text as SQL takes it. */
export const literal = (text: string): string =>
  `${text.includes("\\") ? "E" : ""}'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
