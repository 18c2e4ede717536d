import { asArray, type Json } from "./frame.ts";
import type { Keys } from "./row_change.ts";

/** What a catch-up is asked for. */
export interface CatchUpRequest {
  /** The earliest server time that is wanted, as ISO 8601. Empty where only the time is asked. */
  since: string;
  /** A filter of a Postgres Changes subscription, such as `slug=eq.docs`; values may be quoted. */
  filter?: string;
  /** Of messages: the topic that they were sent on, without `realtime:`. */
  topic?: string;
  /** Of messages: the last that was had, where it is known; it counts in place of `since`. */
  afterId?: string;
  signal: AbortSignal;
}

/** What a catch-up knows that brings back messages in place of a table's rows. */
export interface History {
  /** Nobody but the database sends on its topics. */
  databaseOnly: boolean;
  keys?: Keys;
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
  /** The column that tells rows apart, or several that do so together. */
  key: string | readonly string[];
  /** The column with the server's time of the insert; one without a zone is read as UTC. */
  time: string;
  /** How far before the last event rows are read again, in ms: longer transactions are missed. */
  overlapMs: number;
  /** For a topic, without `realtime:`, that mirrors the table. */
  mirror?(topic: string): Mirror | undefined;
  /**
   * How rows that have changed are read: the same table, by the time of a row's last change. What they
   * were meanwhile is not read, nor are rows that were deleted.
   */
  updates?: CatchUp;
  /** Where it brings back the messages of all private topics that mirror no table. */
  history?: History;
  /**
   * Rows with `time >= since`, ordered by time and key, page by page. May throw: it is repeated for
   * some seconds, unless the error's `isFinal` is true.
   */
  read(request: CatchUpRequest): AsyncIterable<Json[]>;
}

/** Under this name a row carries its key's text: JSON has rounded a number of more than 15 digits. */
export const KEY_TEXT: unique symbol = Symbol("key as text");

export interface TableCatchUpOptions {
  key: string | readonly string[];
  time: string;
  /**
   * The column with the server's time of the row's last change, which a trigger sets, such as
   * `updated_at`: rows that have changed come as UPDATE, without `old_record`. Default: none do.
   */
  updated?: string;
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
  /** Default 1000. Where the API gives fewer at once, a table is read to its end all the same. */
  pageSize?: number;
}

/** As much of supabase-js as reading a table takes. */
export interface TableReader {
  // deno-lint-ignore no-explicit-any
  schema(name: any): { from(table: any): any };
}

/**
 * Reads a table through REST with the rights of whoever is signed in. A transaction that is open for
 * longer than the overlap can be missed. DELETE leaves nothing to read, nor does UPDATE without
 * `updated`.
 */
export function tableCatchUp(
  supabase: TableReader,
  table: string,
  { updated, ...options }: TableCatchUpOptions,
): CatchUp {
  const { key, time, overlapMs = 30_000, schema = "public", pageSize = 1_000 } = options;
  const { topic: _mirror, ...whole } = options;
  const columns = [time, ...keysOf(options)];
  // Pages go on from the text of the columns, which REST does not round.
  const select = ["*", ...columns.map((name, i) => `${TEXT}${i}:${name}::text`)]
    .join();
  return {
    ...{ schema, table, key, time, overlapMs },
    mirror: options.topic ? mirror(options.topic, options) : undefined,
    updates: updated ? tableCatchUp(supabase, table, { ...whole, time: updated }) : undefined,
    async *read({ since, filter, signal }) {
      let last: string[] | undefined;
      // The API may give fewer rows than it is asked for, and from now on fewer than it did: a page is
      // the last where another of this read had more.
      let most = 1;
      while (true) {
        const wanted = [last ? after(columns, last) : `${time}.gte.${quote(since)}`];
        if (filter) wanted.push(conditions(filter));
        let query = supabase.schema(schema).from(table).select(select).or(`and(${wanted})`);
        for (const name of columns) query = query.order(name);
        const { data, error, status } = await query.limit(pageSize).abortSignal(signal);
        if (error) throw failure(`${schema}.${table}`, error, status);
        const texts: string[][] = data.map((row: Json) => takeTexts(row, columns));
        yield data;
        most = Math.max(most, data.length);
        if (data.length < most) return;
        last = texts.at(-1);
      }
    },
  };
}

const TEXT = "relay_text_";

export const keysOf = ({ key }: Pick<CatchUp, "key">): readonly string[] =>
  typeof key === "string" ? [key] : key;

/** Takes the columns' texts out of a row, and leaves its key's under KEY_TEXT. */
function takeTexts(row: Json, columns: string[]): string[] {
  const texts = columns.map((_, i) => {
    const text = row[TEXT + i] as string;
    delete row[TEXT + i];
    return text;
  });
  Object.assign(row, { [KEY_TEXT]: texts.slice(1) });
  return texts;
}

/** The words of PostgREST for a mistake; other answers may be better the next time. */
export function failure(
  table: string,
  { message, code }: Record<string, string>,
  status = 0,
): Error {
  const isFinal = (status >= 400 && status < 500 && ![408, 429].includes(status)) ||
    /^PGRST[1-9]|^42/.test(code);
  return Object.assign(new Error(`Reading ${table} failed: ${message}`), { isFinal });
}

/** The rows behind this one. Many rows may have one time, that of their transaction. */
function after([column, ...columns]: readonly string[], [text, ...texts]: string[]): string {
  const value = quote(text);
  if (columns.length === 0) return `${column}.gt.${value}`;
  return `or(${column}.gt.${value},and(${column}.eq.${value},${after(columns, texts)}))`;
}

const quote = (value: unknown) => `"${String(value).replace(/["\\]/g, "\\$&")}"`;

/** The key of a row that was read, as text; JSON's rounding undone where the source allows it. */
export const keyTexts = (row: Json): string[] =>
  asArray<string>((row as { [KEY_TEXT]?: string[] })[KEY_TEXT]);

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
    const isMatch = before + value + end === topic &&
      (column ? value : template === topic);
    if (!isMatch) return undefined;
    const filter = column && `${column}=eq.${quote(value)}`;
    return { event, filter, payload: (row) => payload ? pick(row, payload) : row };
  };
}

const pick = (row: Json, columns: string[]): Json =>
  Object.fromEntries(columns.map((name) => [name, row[name]]));
