/** postgres_changes bindings: what a client asked for, its id, and what is wrong with it. */
import { type JsonObject, members } from "../wire/json.ts";
import { type Condition, parseFilter } from "./filter.ts";
import { inspect } from "./inspect.ts";
import { phash2 } from "./phash2.ts";

/** A binding that can be read; whether it can be served, the database says. */
export interface Binding {
  id: number;
  event: "*" | "INSERT" | "UPDATE" | "DELETE";
  schema: string;
  table: string;
  conditions: Condition[];
  /** Names of columns; null for all. */
  select: string[] | null;
}

/** Why a channel gets no changes: the text of its system message. */
export class SubscribeError extends Error {}

/** The bindings of a join as its reply repeats them, each with its id in front. */
export function echo(bindings: JsonObject[]): string {
  const printed = bindings.map((binding) =>
    `{${[`"id":${phash2(binding)}`, ...members(binding)].join(",")}}`
  );
  return `{"postgres_changes":[${printed.join(",")}]}`;
}

/** Reads a binding; throws SubscribeError or FilterError. */
export function readBinding(binding: JsonObject): Binding {
  const { schema, table, filter } = target(binding);
  const select = readSelect(binding);
  if (select && (schema === "*" || table === "*")) {
    throw new SubscribeError(
      "Column selection is not supported for wildcard subscriptions. " +
        "Provide an explicit schema and table name.",
    );
  }
  const conditions = parseFilter(filter);
  const event = String(binding.get("event")).toUpperCase();
  const known = event === "INSERT" || event === "UPDATE" || event === "DELETE";
  return { id: phash2(binding), event: known ? event : "*", schema, table, conditions, select };
}

/** A filter needs both names; else the schema defaults to public and the table to all. */
function target(binding: JsonObject): { schema: string; table: string; filter: string } {
  const [schema, table, filter] = ["schema", "table", "filter"].map((key) => binding.get(key));
  if (typeof schema === "string" && typeof table === "string" && typeof filter === "string") {
    return { schema, table, filter };
  }
  const named = typeof schema === "string" || typeof table === "string";
  const odd = [schema, table].some((name) => name !== undefined && typeof name !== "string");
  if (!named || odd || filter !== undefined) {
    throw new SubscribeError(
      "No subscription params provided. Please provide at least a `schema` or `table` to " +
        `subscribe to: ${inspect(binding)}`,
    );
  }
  return { schema: String(schema ?? "public"), table: String(table ?? "*"), filter: "" };
}

function readSelect(binding: JsonObject): string[] | null {
  const select = binding.get("select") ?? [];
  if (!Array.isArray(select)) {
    throw new SubscribeError(
      "Error parsing `select` params: expected a list of column name strings, " +
        'e.g. select: ["col1", "col2"]',
    );
  }
  const names = select.filter((name) => typeof name === "string");
  return names.length > 0 ? names : null;
}
