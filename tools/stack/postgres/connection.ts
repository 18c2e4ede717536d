import postgres from "postgres";

/** Lends `work` one connection of its own, and closes it whatever comes of that. */
export async function withConnection<T>(
  url: string,
  work: (sql: postgres.Sql) => Promise<T>,
): Promise<T> {
  // For `fetch_types` see the connections of realtime/database/database.ts.
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice: () => {} });
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}
