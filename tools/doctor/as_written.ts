/** Addresses as people paste them: out of configurations, shells, dashboards and sentences. */

/** What stands before a value: a command, a variable's name. */
const BEFORE = /^(?:(?:export|set|psql)\s+)?(?:[A-Za-z_]\w*(?:\s*=\s*|:\s+))?/;

/** Without what stands before it, and without quotes. */
const valueOf = (text: string) =>
  text.trim().replace(BEFORE, "").replace(/^(["'`])(.*)\1,?$/, "$2").trim();

/** An address without what a sentence puts around it, and with its scheme, if it has one, in order. */
export function addressOf(text: string): string {
  const address = valueOf(text).replace(/^["'`<(]+/, "").replace(/[."'`>),;]+$/, "")
    .replace(/^(https?|wss?)(?::\/*|\/\/)/i, "$1://").replace(/^ws(?=s?:)/i, "http")
    .replace(/^\/\//, "");
  // A port alone is one of this machine; an address of IPv6 has brackets in a URL.
  if (/^:?\d{2,5}$/.test(address)) return `localhost:${address.replace(":", "")}`;
  return /^[\da-f]*:[\da-f]*:[\da-f:]*$/i.test(address) ? `[${address}]` : address;
}

/** A database's, whose parts may hold any sign: only what is around it is taken away. */
export const databaseOf = (text: string): string =>
  valueOf(text).replace(
    /^postgres(ql)?(?:\+\w+)?:\/\//i,
    (_, more = "") => `postgres${more.toLowerCase()}://`,
  );

/** Whether it is an address of a database, in whatever form. */
export const isDatabase = (text: string): boolean => /\bpostgres(?:ql)?(?:\+\w+)?:\/\//i.test(text);

/** Words that a dashboard or a README puts in a password's place. */
const PLACEHOLDER =
  /:(\[?YOUR[-_ ]PASSWORD\]?|\[(?:YOUR-)?DB[-_ ]PASSWORD\]|<(?:your-)?password>)@/i;

/** The word that stands where the password belongs. */
export const placeholderOf = (db: string): string | undefined => PLACEHOLDER.exec(db)?.[1];

/** What a shell or a build leaves of a variable that nobody set, and a hosted name that can be none. */
const UNSET = /^(?:\w+:\/\/)?(?:undefined|null|\$\{?\w+\}?|%\w+%)(?=[/:?]|$)/;
const TEMPLATE = /^(?:\w+:\/\/)?[^/?#@]*[^a-z0-9./:?#@][^/?#@]*\.supabase\.co\b/i;

/** What stands where a project's address belongs, in words. */
export const unfilled = (address: string): string | undefined =>
  UNSET.test(address)
    ? "a variable that is not set"
    : TEMPLATE.test(address)
    ? "a template's words"
    : undefined;
