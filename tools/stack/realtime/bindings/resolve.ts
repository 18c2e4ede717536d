/** Asks the database which tables a binding stands for, and whether it may be used on them. */
import { type Database, isLost } from "../database/database.ts";
import { failure } from "../database/sqlstate.ts";
import { type Binding, SubscribeError } from "./bindings.ts";
import { tuple } from "./filter.ts";
import { inspect } from "./inspect.ts";

/** The tables, by oid, that a binding stands for now; throws SubscribeError when there are none. */
export async function resolve(
  database: Database,
  publication: string,
  binding: Binding,
  role: string,
): Promise<number[]> {
  const { schema, table, conditions, select } = binding;
  const { sql } = database;
  const [{ entities }] = await sql`
    select to_jsonb(local_realtime.subscribe(
      ${publication}, ${schema}, ${table}, ${sql.json(conditions as never)}, (
        select array_agg(name)
        from jsonb_array_elements_text(nullif(${JSON.stringify(select)}::text::jsonb, 'null')) name
      ), ${role}
    )::int8[]) as entities
  `.catch((error) => {
    if (isLost(error)) throw error;
    throw new SubscribeError(
      "Unable to subscribe to changes with given parameters. An exception happened so please " +
        `check your connect parameters: ${describe(binding)}. Exception: ${failure(error)}`,
    );
  });
  if (entities.length === 0) {
    throw new SubscribeError(
      "Unable to subscribe to changes with given parameters. Please check Realtime is enabled " +
        `for the given connect parameters: ${describe(binding)}`,
    );
  }
  return entities;
}

function describe({ event, schema, table, conditions, select }: Binding): string {
  return `[event: ${event}, schema: ${schema}, table: ${table}, ` +
    `filters: ${inspect(conditions.map(tuple))}, select: ${inspect(select)}]`;
}
