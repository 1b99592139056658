import type { Database } from '@rollcall/shared/db/database';
import { foldCounts, placeOf, type ScimPlace } from '@rollcall/shared/db/scim-counts';
import type { ScimCall } from '../call.ts';

/**
 * Where in the listing of all the row is behind so many, and how many there are. Whoever
 * finds that the counts have become long has them added together, and does not wait for it.
 */
export async function findPlace(
  { db, connection, onFault }: ScimCall,
  kind: 'User' | 'Group',
  offset: number,
): Promise<ScimPlace> {
  const place = await placeOf(db, connection.id, kind, offset);
  if (place.isLong && !db.isTransaction) foldSoon(db, onFault);
  return place;
}

let folding = false;

function foldSoon(db: Database, onFault: (error: unknown) => void): void {
  if (folding) return;
  folding = true;
  void foldCounts(db)
    .catch(onFault)
    .finally(() => {
      folding = false;
    });
}
