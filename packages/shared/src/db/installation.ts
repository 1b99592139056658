import type { Database } from './database.ts';

/** The name by which this database is told apart from others (a UUID); it never changes. */
export async function readInstallation(db: Database): Promise<string> {
  const { id } = await db.selectFrom('installation').select('id').executeTakeFirstOrThrow();
  return id;
}
