import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { ConnectionId } from '../core/ids.ts';

/** Append-only; the events and their facts are in `notify/events.ts`. */
export interface NotificationsTable {
  id: ColumnType<string, never, never>;
  at: Date;
  event: string;
  standing: 'raised' | 'resolved';
  connection_id: ConnectionId | null;
  about: string;
  facts: JSONColumnType<Record<string, unknown>>;
}

export interface NotificationSinksTable {
  name: string;
  events: string[] | null;
  registered_at: Date;
  seen_at: Date;
  gone_at: Date | null;
  gone_why: string | null;
}

/** Written by a trigger on `notifications`. */
export interface NotificationDeliveriesTable {
  seq: ColumnType<string, never, never>;
  sink: string;
  notification_id: string;
  attempts: Generated<number>;
  due_at: Date;
  claim: string | null;
  error: string | null;
  failed_at: Date | null;
  parked_at: Date | null;
  delivered_at: Date | null;
}

export interface InstallationTable {
  one: Generated<boolean>;
  id: Generated<string>;
}

export interface WatchTable {
  one: Generated<boolean>;
  last_at: Date;
}

export interface WatchedConnectionsTable {
  connection_id: ConnectionId;
  since: Date;
}

/** What SCIM clients could not do since their last success. */
export interface ScimFailuresTable {
  connection_id: ConnectionId;
  failures: number;
  since: Date;
  last_at: Date;
  code: string;
}

/** The tables of what operators are told. */
export interface NotifyTables {
  notifications: NotificationsTable;
  notification_sinks: NotificationSinksTable;
  notification_deliveries: NotificationDeliveriesTable;
  installation: InstallationTable;
  watch: WatchTable;
  watched_connections: WatchedConnectionsTable;
  scim_failures: ScimFailuresTable;
}
