import type { StackInfo } from "../info.ts";

/** Colours only where somebody looks and has not asked for none. */
const plain = Boolean(Deno.env.get("NO_COLOR")) || !Deno.stderr.isTerminal();
const dim = (text: string) => plain ? text : `\x1b[2m${text}\x1b[0m`;

/** What the stack prints when it is ready, aligned like `supabase start`. */
export function ready(info: StackInfo, dataDir: string): string {
  const rows = info.PROJECT === undefined ? own(info) : ofProject(info);
  return table([
    ...rows.before,
    ["API URL", info.API_URL],
    ["Relay URL", info.RELAY_URL],
    ["DB URL", info.DB_URL],
    ["Publishable key", info.PUBLISHABLE_KEY],
    ["Secret key", info.SECRET_KEY],
    ["anon key", info.ANON_KEY],
    ["service_role key", info.SERVICE_ROLE_KEY],
    ["JWT secret", info.JWT_SECRET],
    ...rows.between,
    ["Data", `${dataDir}; Ctrl-C stops everything and keeps it`],
    ...rows.after,
  ]);
}

type Rows = Record<"before" | "between" | "after", [string, string][]>;

function own({ API_URL, USERS }: StackInfo): Rows {
  const emails = USERS.map(({ email }) => email).join(", ");
  return {
    before: [["Links page", `${API_URL}/`]],
    between: [["Users", `${emails}; the password of both is ${USERS[0].password}`]],
    after: [["Try", `curl -i ${API_URL}/functions/v1/redirect/docs, with the page open`]],
  };
}

function ofProject({ PROJECT, FUNCTIONS = {}, LEFT_OUT = [] }: StackInfo): Rows {
  const names = Object.keys(FUNCTIONS).join(", ");
  const few = LEFT_OUT.length === 1 ? "1 statement" : `${LEFT_OUT.length} statements`;
  return {
    before: [],
    between: [["Project", PROJECT!], ...(names ? [["Functions", names] as [string, string]] : [])],
    after: LEFT_OUT.length ? [["Left out", `${few} of its SQL: --json lists them`]] : [],
  };
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
