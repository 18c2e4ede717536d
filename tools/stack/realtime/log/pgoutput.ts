/**
 * PostgreSQL's logical replication messages (pgoutput, protocol 1), with every value as the text
 * that Postgres printed: nothing of a microsecond, a numeric or an unchanged value is lost.
 */
import { ByteReader } from "./byte_reader.ts";

export interface Relation {
  oid: number;
  schema: string;
  name: string;
  /** d: the primary key, f: all columns, i: an index, n: nothing. */
  identity: "d" | "f" | "i" | "n";
  columns: { name: string; type: number; isKey: boolean }[];
}

export interface Transaction {
  /** Where its commit begins in the log, which tells transactions apart. */
  commit: bigint;
  /** When it was committed, to the millisecond. */
  timestamp: string;
  /** Its number, without the epoch. */
  xid: number;
}

/** A row's values by column name. What the log leaves out (unchanged TOAST) is not in it. */
export type Values = Record<string, string | null>;

export interface Change {
  kind: "change";
  action: "INSERT" | "UPDATE" | "DELETE";
  relation: Relation;
  /** The new row; null for a delete. */
  new: Values | null;
  /** What the replica identity keeps of the old row; null for an insert. */
  old: Values | null;
  /** Bytes of the message, to bound what is kept. */
  bytes: number;
}

export type WalMessage =
  | { kind: "begin"; transaction: Transaction }
  | Change
  | { kind: "commit"; end: bigint }
  | { kind: "other" };

/** The seconds from 1970 to 2000, when PostgreSQL's time begins. */
const EPOCH_S = 946_684_800n;

/** A plugin for the LogicalReplicationService. */
export class PgoutputText {
  readonly name = "pgoutput";
  #relations = new Map<number, Relation>();

  constructor(readonly options: { publication: string }) {}

  /** Starts streaming from `lsn`, or from where the slot was acknowledged if that is later. */
  // deno-lint-ignore no-explicit-any
  start(client: any, slot: string, lsn: string): Promise<any> {
    this.#relations.clear();
    const publication = this.options.publication.replaceAll("'", "''");
    return client.query(
      `START_REPLICATION SLOT "${slot}" LOGICAL ${lsn} ` +
        `(proto_version '1', publication_names '"${publication}"')`,
    );
  }

  parse(buffer: Uint8Array): WalMessage {
    const reader = new ByteReader(buffer);
    switch (reader.char()) {
      case "B":
        return { kind: "begin", transaction: readTransaction(reader) };
      case "C":
        return readCommit(reader);
      case "R":
        return this.#relation(reader);
      case "I":
        return this.#change("INSERT", reader);
      case "U":
        return this.#change("UPDATE", reader);
      case "D":
        return this.#change("DELETE", reader);
      default:
        return { kind: "other" };
    }
  }

  #relation(reader: ByteReader): WalMessage {
    const oid = reader.int32();
    const schema = reader.text() || "pg_catalog";
    const name = reader.text();
    const identity = reader.char() as Relation["identity"];
    const columns = Array.from({ length: reader.int16() }, () => {
      const isKey = reader.int8() === 1;
      const column = { isKey, name: reader.text(), type: reader.int32() };
      reader.int32(); // the type's modifier
      return column;
    });
    this.#relations.set(oid, { oid, schema, name, identity, columns });
    return { kind: "other" };
  }

  #change(action: Change["action"], reader: ByteReader): Change {
    const relation = this.#relations.get(reader.int32())!;
    let [old, row]: (Values | null)[] = [null, null];
    let tuple = reader.char();
    if (tuple === "K" || tuple === "O") {
      old = readTuple(reader, relation, tuple === "K");
      tuple = action === "UPDATE" ? reader.char() : "";
    }
    if (tuple === "N") row = readTuple(reader, relation, false);
    // The old row is left out where its key did not change.
    if (action === "UPDATE" && !old && row) old = keyOf(relation, row);
    return { kind: "change", action, relation, new: row, old, bytes: reader.length };
  }
}

function readTransaction(reader: ByteReader): Transaction {
  const commit = reader.int64();
  const micros = reader.int64() + EPOCH_S * 1_000_000n;
  const timestamp = new Date(Number(micros / 1000n)).toISOString();
  return { commit, timestamp, xid: reader.int32() >>> 0 };
}

function readCommit(reader: ByteReader): WalMessage {
  reader.int8(); // flags
  reader.int64(); // where the commit began
  return { kind: "commit", end: reader.int64() };
}

function readTuple(reader: ByteReader, relation: Relation, keysOnly: boolean): Values {
  const values: Values = {};
  const count = reader.int16();
  for (let index = 0; index < count; index++) {
    const { name, isKey } = relation.columns[index];
    const kind = reader.char();
    const value = kind === "t" ? reader.text(reader.int32()) : null;
    if (kind !== "u" && (isKey || !keysOnly)) values[name] = value;
  }
  return values;
}

function keyOf(relation: Relation, row: Values): Values {
  const keys = relation.columns.filter(({ name, isKey }) => isKey && name in row);
  return Object.fromEntries(keys.map(({ name }) => [name, row[name]]));
}
