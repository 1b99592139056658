import { sql } from 'kysely';
import type { ConnectionId } from '../core/ids.ts';
import { printable } from '../core/printable.ts';
import type { EpochMs } from '../core/time.ts';
import type { Tx } from '../db/database.ts';
import { toTimestamp } from '../db/timestamp.ts';
import type { EventFacts, NotificationEvent } from './events.ts';

/** Something that operators have to know. */
export type Notification = {
  [Event in NotificationEvent]: {
    readonly event: Event;
    /** Null where it is about the whole installation. */
    readonly connectionId: ConnectionId | null;
    /** What tells this occasion from the next one, such as the id of a run: told once for each. */
    readonly about: string;
    readonly facts: EventFacts[Event];
  };
}[NotificationEvent];

/** Which occasion is over. */
export type Occasion = Pick<Notification, 'event' | 'connectionId' | 'about'>;

const LONGEST_TEXT = 500;
const MOST_TEXTS = 20;

/**
 * Writes a notification down, in the transaction of what it tells of: once for each
 * (event, connection, about), however often and by however many it is raised. It leaves
 * the house after the commit. False where it was there already.
 *
 * Texts in the facts may come from an identity provider: they are made printable, and cut.
 */
export async function raise(tx: Tx, notification: Notification, now: EpochMs): Promise<boolean> {
  const { event, connectionId, about, facts } = notification;
  const inserted = await sql`
    insert into notifications (at, event, standing, connection_id, about, facts)
    values (${toTimestamp(now)}, ${event}, 'raised', ${connectionId}, ${cut(about)},
            ${JSON.stringify(presentable(facts))})
    on conflict do nothing`.execute(tx);
  return Number(inserted.numAffectedRows ?? 0) > 0;
}

/**
 * Writes down that an occasion is over, with the facts of its beginning; once. False
 * where it was not raised, or is over already.
 */
export async function resolve(tx: Tx, occasion: Occasion, now: EpochMs): Promise<boolean> {
  const { event, connectionId, about } = occasion;
  const inserted = await sql`
    insert into notifications (at, event, standing, connection_id, about, facts)
    select ${toTimestamp(now)}, event, 'resolved', connection_id, about, facts
      from notifications
     where event = ${event} and coalesce(connection_id, '') = ${connectionId ?? ''}
       and about = ${cut(about)} and standing = 'raised'
    on conflict do nothing`.execute(tx);
  return Number(inserted.numAffectedRows ?? 0) > 0;
}

function presentable(facts: Notification['facts']): Record<string, unknown> {
  const entries = Object.entries(facts).map(([name, value]): [string, unknown] => {
    if (Array.isArray(value)) return [name, value.slice(0, MOST_TEXTS).map(presentValue)];
    return [name, presentValue(value)];
  });
  return Object.fromEntries(entries);
}

function presentValue(value: unknown): unknown {
  return typeof value === 'string' ? cut(value) : value;
}

function cut(text: string): string {
  const shown = printable(text);
  return shown.length > LONGEST_TEXT ? `${shown.slice(0, LONGEST_TEXT)}…` : shown;
}
