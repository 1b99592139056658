import type { KeepReason } from '@rollcall/shared/core/decision';
import type { ConnectionId } from '@rollcall/shared/core/ids';
import type { Database } from '@rollcall/shared/db/database';
import { sql } from 'kysely';

/** Decisions about somebody whom the listing lacks: with another answer they would be out. */
const UNANSWERED = (
  [
    'look_up_unknown',
    'canary_failed',
    'waiting_for_confirmation',
    'waiting_for_misses',
    'sign_in_doubtful',
    'signed_in_since',
  ] as const
).map((reason: KeepReason) => `keep ${reason}`);

/**
 * Whether a plan of the connection was taken back and nobody has looked since. It is
 * over as soon as a person has approved a plan that came later, or a later sweep of a
 * complete listing would have taken nothing from anybody, and not for want of an answer.
 */
export async function waitsAfterUndo(db: Database, connectionId: ConnectionId): Promise<boolean> {
  const answer = await sql<{ waits: boolean }>`
    select exists (
      select from plans undone
       where undone.connection_id = ${connectionId} and undone.undo_begun_at is not null
         and not exists (
           select from plans later
            where later.connection_id = undone.connection_id
              and later.approved_at > undone.undo_begun_at)
         and not exists (
           select from plans later
             join sweep_runs run on run.id = later.run_id
            where later.connection_id = undone.connection_id
              and later.state <> 'drafting'
              and run.snapshot_kind = 'complete'
              and run.started_at > undone.undo_begun_at
              and not run.counts ?| ${UNANSWERED}
              and not exists (
                select from plan_lines line
                 where line.run_id = later.run_id and line.brake_class is not null))
    ) as waits`.execute(db);
  return answer.rows[0]?.waits === true;
}
