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
  if (!table || !Number.isSafeInteger(seq)) return undefined;
  const row = asJson(record ?? old_record);
  const values = [keys[table as string] ?? "id"].flat().map((name) => row[name as string]);
  // JSON has rounded a longer number: other rows may have this one's now.
  const isTold = values.every((value) => typeof value === "string" || Number.isSafeInteger(value));
  return isTold
    ? { row: JSON.stringify([schema, table, ...values]), seq: seq as number }
    : undefined;
}

/** The same messages, the changes of each row by `seq` in the places that they have together. */
export function inOrder<Item>(
  items: Item[],
  changeOf: (item: Item) => RowChange | undefined,
): Item[] {
  const rows = new Map<string, number[]>();
  for (const [place, item] of items.entries()) {
    const row = changeOf(item)?.row;
    if (row === undefined) continue;
    const places = rows.get(row) ?? [];
    places.push(place);
    rows.set(row, places);
  }
  const ordered = [...items];
  for (const places of rows.values()) {
    const changes = places.map((place) => items[place]);
    changes.sort((a, b) => changeOf(a)!.seq - changeOf(b)!.seq);
    places.forEach((place, i) => ordered[place] = changes[i]);
  }
  return ordered;
}
