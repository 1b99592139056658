import type { AuditKind } from '../core/audit-event.ts';
import type { UserId } from '../core/ids.ts';
import type { GroupsUnknown } from '../core/roles.ts';
import type { EpochMs } from '../core/time.ts';
import type { Database } from '../db/database.ts';
import { fromTimestamp } from '../db/timestamp.ts';

/** One line of the audit trail. */
export interface AuditLine {
  readonly at: EpochMs;
  readonly kind: string;
  readonly reason: string | null;
  /** What a person gave as the reason; null where no person did. */
  readonly note: string | null;
  readonly actor: Readonly<Record<string, unknown>>;
  readonly reference: string | null;
}

const EVENTS = 10;
const LIFECYCLE_EVENTS = 20;

/** What takes access and gives it back. */
const LIFECYCLE: readonly AuditKind[] = [
  'user.created',
  'user.suspected',
  'user.contained',
  'user.released',
  'user.deactivated',
  'user.restored',
  'user.undone',
  'user.handed_over',
  'user.retired',
  'user.purged',
  'user.joined',
  'user.separated',
  'user.protected',
  'user.unprotected',
];

/** How access was taken and given back, newest first. */
export function lifecycleOf(db: Database, id: UserId): Promise<readonly AuditLine[]> {
  return readLines(db, id, LIFECYCLE, LIFECYCLE_EVENTS);
}

/** The last lines about a user, newest first, but for those that say who asked. */
export function lastEvents(db: Database, id: UserId): Promise<readonly AuditLine[]> {
  return readLines(db, id, null, EVENTS);
}

async function readLines(
  db: Database,
  id: UserId,
  kinds: readonly AuditKind[] | null,
  limit: number,
): Promise<readonly AuditLine[]> {
  let query = db
    .selectFrom('audit_events')
    .select(['at', 'kind', 'reason', 'actor', 'evidence', 'reference'])
    .where('user_id', '=', id)
    .where('kind', '!=', 'explanation.read')
    .orderBy('id', 'desc')
    .limit(limit);
  if (kinds !== null) query = query.where('kind', 'in', [...kinds]);
  const rows = await query.execute();
  return rows.map(({ evidence, ...row }) => ({
    ...row,
    at: fromTimestamp(row.at),
    note: textIn(evidence, 'because'),
  }));
}

/** Why the last sign-in brought no groups; null where it brought them, or there was none. */
export async function groupsUnknownSince(db: Database, id: UserId): Promise<GroupsUnknown | null> {
  const row = await db
    .selectFrom('audit_events')
    .select('evidence')
    .where('user_id', '=', id)
    .where('kind', '=', 'user.signed_in')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  const groups = textIn(row?.evidence, 'groups');
  return groups === 'groups_missing' || groups === 'groups_overflow' ? groups : null;
}

function textIn(evidence: unknown, key: string): string | null {
  if (typeof evidence !== 'object' || evidence === null) return null;
  const value: unknown = Reflect.get(evidence, key);
  return typeof value === 'string' ? value : null;
}
