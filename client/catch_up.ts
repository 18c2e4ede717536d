import type { Json } from "./frame.ts";

/** What a catch-up is asked for. */
export interface CatchUpRequest {
  /** The earliest server time that is wanted, as ISO 8601. */
  since: string;
  /** A filter of a Postgres Changes subscription, such as `slug=eq.docs`; values may be quoted. */
  filter?: string;
  signal: AbortSignal;
}

/** A broadcast topic that mirrors a table. */
export interface Mirror {
  /** The event that a row is sent as. */
  event: string;
  filter?: string;
  payload(row: Json): Json;
}

/** How the events of one table are read again after a gap. */
export interface CatchUp {
  schema: string;
  table: string;
  /** The column that tells rows apart. */
  key: string;
  /** The column with the server's time of the insert. */
  time: string;
  /** How far before the last event rows are read again, in ms: longer transactions are missed. */
  overlapMs: number;
  /** For a topic, without `realtime:`, that mirrors the table. */
  mirror?(topic: string): Mirror | undefined;
  /** Rows with `time >= since`, ordered by time and key, page by page. May throw: it is repeated. */
  read(request: CatchUpRequest): AsyncIterable<Json[]>;
}

export interface TableCatchUpOptions {
  key: string;
  time: string;
  /** Default 30000. */
  overlapMs?: number;
  /** Default `public`. */
  schema?: string;
  /**
   * The private broadcast topics that mirror the table, a column's value in braces, such as
   * `clicks:{slug}`.
   */
  topic?: string;
  /** The event they send a row as. Default `INSERT`. */
  event?: string;
  /** The columns in the broadcast's payload. Default: all. */
  payload?: string[];
  /** Default 1000, which is where PostgREST caps an answer unless it is set up otherwise. */
  pageSize?: number;
}

/** As much of supabase-js as reading a table takes. */
export interface TableReader {
  // deno-lint-ignore no-explicit-any
  schema(name: any): { from(table: any): any };
}

/**
 * Reads a table through REST with the rights of whoever is signed in. A transaction that is open for
 * longer than the overlap can be missed. UPDATE and DELETE leave nothing to read.
 */
export function tableCatchUp(
  supabase: TableReader,
  table: string,
  options: TableCatchUpOptions,
): CatchUp {
  const { key, time, overlapMs = 30_000, schema = "public", pageSize = 1_000 } = options;
  return {
    schema,
    table,
    key,
    time,
    overlapMs,
    mirror: options.topic ? mirror(options.topic, options) : undefined,
    async *read({ since, filter, signal }) {
      let last: Json | undefined;
      while (true) {
        const wanted = [last ? after(time, key, last) : `${time}.gte.${quote(since)}`];
        if (filter) wanted.push(conditions(filter));
        const query = supabase.schema(schema).from(table).select("*").or(`and(${wanted})`);
        const { data, error } = await query.order(time).order(key).limit(pageSize)
          .abortSignal(signal);
        if (error) throw new Error(`Reading ${schema}.${table} failed: ${error.message}`);
        if (data.length > 0) yield data;
        if (data.length < pageSize) return;
        last = data.at(-1);
      }
    },
  };
}

/** The rows behind this one. Many rows may have one time, that of their transaction. */
function after(time: string, key: string, row: Json): string {
  const [at, id] = [quote(row[time]), quote(row[key])];
  return `or(${time}.gt.${at},and(${time}.eq.${at},${key}.gt.${id}))`;
}

const quote = (value: unknown) => `"${String(value).replace(/["\\]/g, "\\$&")}"`;

/** A filter of Postgres Changes in PostgREST's grammar of conditions: `.` for the `=` of each. */
export const conditions = (filter: string): string =>
  filter.replace(
    /("(?:\\.|[^"\\])*"|\([^)]*\))|(^|,)\s*([^=,]+)=/g,
    (_all, value, comma, column) => value ?? `${comma}${column}.`,
  );

/** The topics of a template, whose one column in braces stands for its value. */
function mirror(template: string, { event = "INSERT", payload }: TableCatchUpOptions) {
  const [before, column, ...behind] = template.split(/[{}]/);
  if (behind.length > 1) {
    throw new TypeError(`A topic has one column in braces at most: got ${template}`);
  }
  const end = behind.join();
  return (topic: string): Mirror | undefined => {
    const value = topic.slice(before.length, topic.length - end.length);
    const isMatch = before + value + end === topic && (column ? value : template === topic);
    if (!isMatch) return undefined;
    const filter = column && `${column}=eq.${quote(value)}`;
    return { event, filter, payload: (row) => payload ? pick(row, payload) : row };
  };
}

const pick = (row: Json, columns: string[]): Json =>
  Object.fromEntries(columns.map((name) => [name, row[name]]));
