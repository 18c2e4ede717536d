import { asJson } from "./frame.ts";

/** The columns of each table's primary key, where that is not `id`. */
export type Keys = Record<string, string | readonly string[]>;

/** A change of a row as the trigger relay.broadcast_row() sends it. */
export interface RowChange {
  row: string;
  /** Newer changes of a row have a higher one. */
  seq: number;
}

/** Undefined where it is none, or of a row that cannot be told from others. */
export function rowChangeOf(payload: unknown, keys: Keys = {}): RowChange | undefined {
  const { schema, table, record, old_record, seq } = asJson(payload);
  if (typeof table !== "string" || !Number.isSafeInteger(seq)) return undefined;
  const row = asJson(record ?? old_record);
  const values = [keys[table] ?? "id"].flat().map((name) => row[name as string]);
  // JSON has rounded a longer number: other rows may have this one's now.
  const isTold = [schema, ...values].every((value) =>
    typeof value === "string" || Number.isSafeInteger(value)
  );
  return isTold
    ? { row: JSON.stringify([schema, table, ...values]), seq: seq as number }
    : undefined;
}

/** The same messages, the changes of each row by `seq` in the places that they have together. */
export function inOrder<Item>(
  items: Item[],
  changeOf: (item: Item) => RowChange | undefined,
): Item[] {
  const rows = new Map<string, Item[]>();
  const changes = items.filter(changeOf).sort((a, b) => changeOf(b)!.seq - changeOf(a)!.seq);
  for (const item of changes) {
    const { row } = changeOf(item)!;
    if (!rows.get(row)?.push(item)) rows.set(row, [item]);
  }
  return items.map((item) => rows.get(changeOf(item)?.row!)?.pop() ?? item);
}
