/** The grammar of a filter: `column=[not.]op.value`, several by comma, values quoted or not. */
import { inspect, type Tuple } from "./inspect.ts";

/** One condition. What its value means is decided by Postgres, with the type of the column. */
export interface Condition {
  column: string;
  op: string;
  value: string;
  not: boolean;
}

const OPERATORS = "eq neq lt lte gt gte in like ilike is match imatch isdistinct".split(" ");

/** Why a filter cannot be read, in the original's words. */
export class FilterError extends Error {
  constructor(reason: string) {
    super(`Error parsing \`filter\` params: ${reason}`);
  }
}

/** The conditions of a filter, all of which must hold; none for a filter without text. */
export function parseFilter(filter: string): Condition[] {
  if (filter.trim() === "") return [];
  const parts = split(filter).map((part) => part.trim());
  if (parts.includes("")) {
    throw new FilterError("filter must not contain empty segments (check for extra commas)");
  }
  return parts.map(condition);
}

/** As the original prints a condition. */
export function tuple({ column, op, value, not }: Condition): Tuple {
  return { tuple: [column, op, value, not] };
}

function condition(part: string): Condition {
  const [column, test] = cut(part, "=");
  if (test === undefined) throw new FilterError(inspect([column]));
  const not = test.startsWith("not.");
  const [op, value] = cut(not ? test.slice(4) : test, ".");
  if (value === undefined) throw new FilterError(inspect([op]));
  if (!OPERATORS.includes(op)) throw new FilterError(inspect([op, value]));
  return { column, op, value: op === "in" ? list(value) : unquote(value), not };
}

/** `(a,b)` as the array literal `{a,b}`, of which Postgres makes an array of the column's type. */
function list(value: string): string {
  if (!value.startsWith("(") || !value.endsWith(")")) {
    throw new FilterError("`in` filter value must be wrapped by parentheses");
  }
  return `{${value.slice(1, -1)}}`;
}

/** Only a value that is quoted as a whole is unquoted; any other is taken as it stands. */
function unquote(value: string): string {
  if (!/^"(?:[^"\\]|\\.)*"$/s.test(value)) return value;
  return value.slice(1, -1).replace(/\\(.)/gs, "$1");
}

/** Splits at commas that are neither quoted nor in parentheses. */
function split(filter: string): string[] {
  const parts = [""];
  let depth = 0;
  for (const [piece] of filter.matchAll(/"(?:[^"\\]|\\.)*"|./gs)) {
    if (piece === "(") depth++;
    if (piece === ")") depth = Math.max(0, depth - 1);
    if (piece === "," && depth === 0) parts.push("");
    else parts[parts.length - 1] += piece;
  }
  return parts;
}

/** Both sides of the first separator. */
function cut(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
