import { type Row, timeText } from "./database.ts";
import { missedMessages } from "./history.ts";
import type { World } from "../world.ts";
import { userOf } from "../here/session.ts";

/** As much of PostgREST as reading a table takes: select, conditions, order, limit, offset. */
export function answer(world: World, input: string | URL | Request, init: RequestInit = {}) {
  const url = new URL(input instanceof Request ? input.url : input);
  const headers = new Headers(init.headers);
  const { time, weather } = world;
  const { signal } = init;
  world.time.isDeep = true;
  world.ledger.note(`REST ${decodeURIComponent(url.search)}`);
  return new Promise<Response>((resolve, reject) => {
    const abort = () => {
      time.isDeep = true;
      reject(new DOMException("The request was aborted.", "AbortError"));
    };
    if (signal?.aborted) return abort();
    signal?.addEventListener("abort", abort);
    const fault = weather.now("rest");
    if (fault?.answer === "hangs") return;
    const late = fault?.answer === "late" ? 8_000 : fault?.answer === "slow" ? 3_000 : 0;
    time.later(2 * world.setup.latencyMs + late, () => {
      time.isDeep = true;
      if (fault?.answer === "unreachable") return reject(new TypeError("fetch failed"));
      if (typeof fault?.answer === "number") return resolve(failure(fault.answer));
      const isRpc = url.pathname.endsWith("/rpc/missed_messages");
      const rows = isRpc
        ? missedMessages(world, readerOf(headers), String(init.body))
        : select(world, url, headers);
      resolve(json(200, `[${rows.slice(0, world.setup.maxRows)}]`));
    }, "arrival");
  });
}

const json = (status: number, body: string) =>
  ({
    ok: status < 300,
    status,
    statusText: "",
    headers: new Headers({ "content-type": "application/json" }),
    text: () => Promise.resolve(body),
    json: () => Promise.resolve(JSON.parse(body)),
  }) as Response;

const CODES: Record<number, string> = { 401: "PGRST301", 404: "PGRST205", 406: "PGRST106" };

function failure(status: number): Response {
  const code = CODES[status] ?? "XX000";
  return json(status, JSON.stringify({ code, message: `status ${status}`, details: null }));
}

type Cells = Record<string, string | number | bigint | null>;

/** The columns of a row as values that compare, and their JSON. */
function cellsOf(row: Row): Cells {
  const { id, n, slug, time, changed, rev } = row;
  return { id: BigInt(id), n, slug, placed_at: time, changed_at: changed, rev };
}

const readerOf = (headers: Headers): string | null =>
  userOf(headers.get("authorization")?.replace(/^Bearer /, ""));

function select(world: World, url: URL, headers: Headers): string[] {
  const { searchParams, pathname } = url;
  const table = pathname.split("/").at(-1);
  const reader = readerOf(headers);
  let rows = [...world.database.rows].filter((row) => row.table === table)
    .map((row) => ({ row, cells: cellsOf(row) }));
  for (const [name, value] of searchParams) {
    if (["select", "order", "limit", "offset"].includes(name)) continue;
    const test = name === "or" || name === "and"
      ? group(name, value.slice(1, -1))
      : condition(`${name}.${value}`);
    rows = rows.filter(({ cells }) => test(cells));
  }
  const order = (searchParams.get("order") ?? "").split(",").filter(Boolean)
    .map((part) => part.split("."));
  rows.sort((a, b) => {
    for (const [column, direction] of order) {
      const [x, y] = [a.cells[column]!, b.cells[column]!];
      if (x !== y) return (x < y ? -1 : 1) * (direction === "desc" ? -1 : 1);
    }
    return 0;
  });
  const offset = Number(searchParams.get("offset") ?? 0);
  const limit = Number(searchParams.get("limit") ?? 1_000);
  const columns = (searchParams.get("select") ?? "*").split(",");
  const zone = world.setup.zone;
  return rows.slice(offset, offset + limit).map(({ row }) =>
    `{${
      columns.flatMap((column) => written(row, column, zone))
        .concat(`"reader":${JSON.stringify(reader)}`)
    }}`
  );
}

/** The JSON of a selected column, or of all. */
function written(row: Row, selected: string, zone: string): string[] {
  if (selected === "*") {
    return ["id", "n", "slug", "placed_at", "changed_at", "rev"].flatMap((name) =>
      written(row, name, zone)
    );
  }
  const [, alias, column, cast] = /^(?:(\w+):(?!:))?(\w+)(::\w+)?$/.exec(selected)!;
  const isText = cast === "::text";
  const time = (micros: number) =>
    JSON.stringify(isText ? textOf(micros, zone) : timeText(micros, zone));
  const values: Record<string, string> = {
    id: isText ? `"${row.id}"` : row.id,
    n: isText ? `"${row.n}"` : String(row.n),
    slug: JSON.stringify(row.slug),
    rev: String(row.rev),
    placed_at: time(row.time),
    changed_at: time(row.changed),
  };
  return [`"${alias ?? column}":${values[column]}`];
}

/** PostgreSQL's own text of a time: a blank for the T, hours alone for the zone. */
const textOf = (micros: number, zone: string): string =>
  timeText(micros, zone).replace("T", " ").replace(/\+00:00$/, "+00")
    .replace(/(\.\d*?)0+(?=\+|$)/, "$1").replace(/\.(?=\+|$)/, "");

type Test = (cells: Cells) => boolean;

function group(kind: string, text: string): Test {
  const tests = split(text).map((part) => {
    const nested = /^(not\.)?(and|or)\((.*)\)$/s.exec(part);
    if (!nested) return condition(part);
    const test = group(nested[2], nested[3]);
    return nested[1] ? (cells: Cells) => !test(cells) : test;
  });
  return (cells) =>
    kind === "or" ? tests.some((test) => test(cells)) : tests.every((test) => test(cells));
}

/** At commas that are in no parentheses and no quotes. */
function split(text: string): string[] {
  const parts: string[] = [];
  let [depth, isQuoted, start] = [0, false, 0];
  for (let i = 0; i < text.length; i++) {
    const letter = text[i];
    if (letter === "\\") i++;
    else if (letter === '"') isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (letter === "(") depth++;
    else if (letter === ")") depth--;
    else if (letter === "," && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  return [...parts, text.slice(start)].filter(Boolean);
}

function condition(text: string): Test {
  const [, column, not, operator, raw] = /^(\w+)\.(not\.)?(\w+)\.(.*)$/s.exec(text) ?? [];
  if (!column) throw new Error(`This world's REST does not know the condition ${text}`);
  const values = operator === "in" ? split(raw.slice(1, -1)) : [raw];
  const wanted = values.map((value) => valueOf(column, unquoted(value)));
  return (cells) => compare(cells[column]!, operator, wanted) !== !!not;
}

const unquoted = (value: string): string =>
  /^".*"$/s.test(value) ? value.slice(1, -1).replace(/\\(.)/g, "$1") : value;

function valueOf(column: string, text: string): string | number | bigint {
  if (column === "id") return BigInt(text);
  if (column.endsWith("_at")) return microsOf(text);
  return column === "n" || column === "rev" ? Number(text) : text;
}

/** A time in any of the forms that PostgreSQL reads, in µs since the epoch; without a zone in UTC. */
function microsOf(text: string): number {
  const [, date, time, fraction = "", zone = "Z"] =
    /^([\d-]+)[T ]([\d:]+)(?:\.(\d+))?(Z|[+-]\d\d(?::?\d\d)?)?$/.exec(text) ?? [];
  if (!date) throw new Error(`This world's REST does not know the time ${text}`);
  const offset = /^[+-]\d\d$/.test(zone) ? `${zone}:00` : zone;
  return Date.parse(`${date}T${time}${offset}`) * 1000 +
    Number(fraction.padEnd(6, "0").slice(0, 6));
}

type Value = string | number | bigint;

function compare(value: Value, operator: string, wanted: Value[]): boolean {
  const [first] = wanted;
  switch (operator) {
    case "eq":
      return value === first;
    case "neq":
      return value !== first;
    case "gt":
      return value > first;
    case "gte":
      return value >= first;
    case "lt":
      return value < first;
    case "lte":
      return value <= first;
    case "in":
      return wanted.includes(value);
  }
  throw new Error(`This world's REST does not know the operator ${operator}`);
}
