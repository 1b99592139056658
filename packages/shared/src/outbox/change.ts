import type { ChangePayloads, OutboxKind } from '../core/change-payload.ts';

/** Whom a change is about. */
export interface ChangedUser {
  /** The id that `req.user.id` has: of the person, where records are joined. */
  readonly id: string;
  /** The id of the record; the same where it is joined with no other. */
  readonly record: string;
  readonly connection: string;
  /** The immutable id by which the connection names the person. */
  readonly subject: string;
}

interface Head<Kind extends OutboxKind> {
  /**
   * The same at every delivery of this change, and of no other one: whoever must not
   * do something twice keeps the ids of what was done.
   */
  readonly id: string;
  readonly kind: Kind;
  /** When it happened, in ISO 8601. */
  readonly at: string;
  /** 1 at the first delivery. A higher one may be the second delivery of what was done. */
  readonly attempt: number;
  readonly user: ChangedUser;
}

/** A change of somebody's access, as it is handed to a target. */
export type Change = {
  [Kind in OutboxKind]: Head<Kind> & Omit<ChangePayloads[Kind], 'subject'>;
}[OutboxKind];
