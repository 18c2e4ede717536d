import type { StackInfo } from "../info.ts";

/** Colours only where somebody looks and has not asked for none. */
const plain = Boolean(Deno.env.get("NO_COLOR")) || !Deno.stderr.isTerminal();
const dim = (text: string) => plain ? text : `\x1b[2m${text}\x1b[0m`;

/** What the stack prints when it is ready, aligned like `supabase start`. */
export function ready(info: StackInfo, dataDir: string): string {
  const { password } = info.USERS[0];
  const emails = info.USERS.map(({ email }) => email).join(", ");
  return table([
    ["Links page", `${info.API_URL}/`],
    ["API URL", info.API_URL],
    ["Relay URL", info.RELAY_URL],
    ["DB URL", info.DB_URL],
    ["Publishable key", info.PUBLISHABLE_KEY],
    ["Secret key", info.SECRET_KEY],
    ["anon key", info.ANON_KEY],
    ["service_role key", info.SERVICE_ROLE_KEY],
    ["JWT secret", info.JWT_SECRET],
    ["Users", `${emails}; the password of both is ${password}`],
    ["Data", `${dataDir}; Ctrl-C stops everything and keeps it`],
    ["Try", `curl -i ${info.API_URL}/functions/v1/redirect/docs, with the page open`],
  ]);
}

function table(rows: [string, string][]): string {
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => `${label.padStart(width)}: ${value}`).join("\n");
}

/** Says on stderr what takes a while. */
export function progress(what: string): void {
  note(what.endsWith(".") ? what : `${what} …`);
}

/** A sentence on stderr; stdout belongs to what the command is asked for. */
export function note(sentence: string): void {
  console.error(sentence);
}

/** One event of a part on stderr: who, what, and the rest as name=value. */
export function log({ part, event, message, ...rest }: Record<string, unknown>): void {
  const told = Object.entries(rest).filter(([, value]) => value !== undefined && value !== "");
  const pairs = told.map(([name, value]) => `${name}=${format(value)}`);
  const words = [event, message].filter((word) => word !== undefined).map(String);
  note(
    `${dim(String(part ?? "").padEnd(8))}  ${[...words, dim(pairs.join(" "))].join("  ").trim()}`,
  );
}

function format(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
