import { sql } from 'kysely';
import type { Tx } from './database.ts';

/**
 * Lets one transaction at a time go on under this name, until it ends. The name says what
 * is locked and for whom, such as `directory id:acme:42`: names of others must differ.
 */
export async function lockName(tx: Tx, name: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(tx);
}
