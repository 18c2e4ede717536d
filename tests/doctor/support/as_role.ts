import type postgres from "postgres";

/** Runs SQL as a role that a project's owner has, in one transaction. */
export async function asRole(sql: postgres.Sql, role: string, text: string): Promise<void> {
  await sql.begin(async (sql) => {
    await sql.unsafe(`set local role ${role}`);
    await sql.unsafe(text).simple();
  });
}
