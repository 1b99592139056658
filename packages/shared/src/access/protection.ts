import type { ConnectionId, Subject } from '../core/ids.ts';
import type { Tx } from '../db/database.ts';

/**
 * Makes `protected` say what the configuration says now, for everybody of a connection:
 * whoever was taken off the list, and has left, never signs in again to be told.
 */
export async function protectSubjects(
  tx: Tx,
  connectionId: ConnectionId,
  subjects: ReadonlySet<Subject>,
): Promise<void> {
  const listed = [...subjects];
  const users = tx.updateTable('users').where('connection_id', '=', connectionId);
  const off = users.set({ protected: false }).where('protected', '=', true);
  if (listed.length === 0) {
    await off.execute();
    return;
  }
  await off.where('subject', 'not in', listed).execute();
  await users
    .set({ protected: true })
    .where('protected', '=', false)
    .where('subject', 'in', listed)
    .execute();
}
