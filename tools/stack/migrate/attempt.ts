import type postgres from "postgres";
import { explain } from "./missing.ts";
import { lineAt, type Statement, statements } from "./statements.ts";

/** A statement that Postgres refused. */
export interface Failure {
  statement: Statement;
  /** Of the error, where Postgres names its place, else of the statement; counted from 1. */
  line: number;
  /** Postgres' message, with its code, and what lies behind it. */
  message: string;
}

/** A statement of a migration takes moments; one that waits for a lock would wait for ever. */
const STATEMENT_MS = 120_000;
/** They would end the transaction in which all is tried. */
const TRANSACTION = /^(?:begin|start\s+transaction|commit|end|rollback|abort)\b/i;
/** `create index concurrently` and its like, which the CLI may run by themselves. */
const IN_TRANSACTION = "25001";
const COPY = /^copy\b[^]*\bfrom\s+stdin\b/i;

/**
 * Runs the statements of `text` one by one in one transaction, each that fails undone by itself, and
 * gives those. The whole is undone too, unless `keep` says otherwise of them.
 */
export async function attempt(
  sql: postgres.Sql,
  text: string,
  keep: (failures: Failure[]) => boolean = () => false,
): Promise<Failure[]> {
  const failures: Failure[] = [];
  try {
    await sql.begin(async (transaction) => {
      await transaction.unsafe(`set local statement_timeout = ${STATEMENT_MS}`);
      for (const statement of statements(text)) {
        if (TRANSACTION.test(statement.text)) continue;
        const error = await refusal(transaction, statement.text);
        if (error && error.code !== IN_TRANSACTION) {
          failures.push(failureOf(text, statement, error));
        }
      }
      if (!keep(failures)) throw UNDO;
    });
  } catch (error) {
    if (error !== UNDO) throw error;
  }
  return failures;
}

const UNDO = Symbol("undo");

interface Refused {
  message: string;
  code?: string;
  /** Counted in characters from 1. */
  position?: string;
}

async function refusal(
  sql: postgres.TransactionSql,
  text: string,
): Promise<Refused | undefined> {
  // Its rows would be waited for.
  if (COPY.test(text)) return { message: "COPY … FROM stdin works in psql alone: use INSERT" };
  try {
    await sql.savepoint((inner) => inner.unsafe(text).simple());
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "PostgresError") throw error;
    return error;
  }
}

function failureOf(text: string, statement: Statement, error: Refused): Failure {
  const { message, code, position } = error;
  const characters = [...statement.text].slice(0, Number(position ?? 1) - 1);
  const at = statement.start + characters.join("").length;
  const reason = explain(message);
  return {
    statement,
    line: lineAt(text, at),
    message: `${message}${code ? ` (${code})` : ""}.${reason ? ` ${reason}` : ""}`,
  };
}

/** `text` without the statements of `failures`, line for line. */
export function leaveOut(text: string, failures: Failure[]): string {
  let [kept, at] = ["", 0];
  for (const { statement } of failures) {
    kept += text.slice(at, statement.start) + statement.text.replace(/[^\n]+/g, "");
    at = statement.start + statement.text.length;
  }
  return kept + text.slice(at);
}
