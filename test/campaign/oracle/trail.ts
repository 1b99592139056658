import type { LedgerRow } from '../ledger.ts';
import { type Access, hasAccess } from './mirror.ts';

/** A row of the audit trail. */
export interface AuditRow {
  readonly kind: string;
  readonly actor: Readonly<Record<string, string>>;
  readonly user_id: string | null;
  readonly connection_id: string | null;
  readonly reason: string | null;
  readonly at: string;
  readonly evidence: Readonly<Record<string, unknown>> | null;
  readonly before: AuditView | null;
  readonly after: AuditView | null;
}

interface AuditView {
  readonly state: string;
  readonly cause: string | null;
  readonly roles: readonly string[];
  readonly version: number;
}

/** What one transaction did to one user, and what it told of it. */
export interface Told {
  readonly before: Access;
  readonly after: Access;
  readonly audits: readonly AuditRow[];
  readonly messages: readonly LedgerRow[];
  /** A program or a person decided about this user: one change, one row. A sign-in tells several. */
  readonly single: boolean;
}

/** What the trail and the outbox of one transaction leave out, tell wrongly or tell twice. */
export function gapsOf(told: Told): readonly string[] {
  return [...auditGaps(told), ...outboxGaps(told)];
}

function auditGaps({ before, after, audits, single }: Told): readonly string[] {
  const views = audits.filter((row) => row.after !== null);
  const gaps: string[] = [];
  const changed = viewText(before) !== viewText(after);
  if (changed && views.length === 0) {
    gaps.push(`nothing in the audit of ${viewText(before)} becoming ${viewText(after)}`);
  }
  const kinds = views.map((row) => row.kind);
  if (new Set(kinds).size !== kinds.length || (single && kinds.length > 1)) {
    gaps.push(`${kinds.length} rows in the audit of one change: ${kinds.join(', ')}`);
  }
  for (const { kind, before: was, after: is } of views) {
    // Of a newcomer it was the row that the same transaction had made.
    const made = before.user === null && was?.version === 1 && was.roles.length === 0;
    if (was !== null && !made && !matches(was, before)) {
      gaps.push(`${kind} says it was ${JSON.stringify(was)}, and it was ${viewText(before)}`);
    }
    if (is !== null && !matches(is, after)) {
      gaps.push(`${kind} says it is ${JSON.stringify(is)}, and it is ${viewText(after)}`);
    }
  }
  return gaps;
}

function viewText({ user, roles }: Access): string {
  return user === null ? 'nobody' : `${user.state} ${user.cause ?? ''} [${roles.join(' ')}]`;
}

function matches(view: AuditView, { user, roles }: Access): boolean {
  return (
    user !== null &&
    view.state === user.state &&
    view.cause === user.cause &&
    view.version === user.version &&
    [...view.roles].sort().join(' ') === roles.join(' ')
  );
}

function outboxGaps({ before, after, messages }: Told): readonly string[] {
  const gaps: string[] = [];
  const [had, has] = [hasAccess(before.user), hasAccess(after.user)];
  const created = before.user === null && after.user !== null;
  const expect = (kind: string, least: number, most = least): void => {
    const count = messages.filter((row) => row.new?.kind === kind).length;
    if (count >= least && count <= most) return;
    gaps.push(`expected ${least} ${kind} in the outbox, received ${count}`);
  };
  const takenOver = had === has && before.user?.cause !== after.user?.cause;
  expect('user.deactivated', had && !has ? 1 : 0, (had && !has) || takenOver ? 1 : 0);
  expect('user.restored', !created && !had && has ? 1 : 0);
  const rolesMoved = before.roles.join(' ') !== after.roles.join(' ');
  if (!created) expect('roles.changed', rolesMoved ? 1 : 0);
  for (const message of messages.filter((row) => row.new?.kind === 'roles.changed')) {
    const told = message.new?.payload as Record<'gained' | 'lost' | 'roles', readonly string[]>;
    const truth = [
      after.roles.filter((role) => !before.roles.includes(role)),
      before.roles.filter((role) => !after.roles.includes(role)),
      after.roles,
    ];
    const said = [[...told.gained].sort(), [...told.lost].sort(), [...told.roles].sort()];
    if (JSON.stringify(said) === JSON.stringify(truth)) continue;
    gaps.push(
      `the outbox says ${JSON.stringify(said)} of the roles, it was ${JSON.stringify(truth)}`,
    );
  }
  const ended = [...before.live].filter((id) => !after.live.has(id)).sort();
  const revoked = messages
    .filter((row) => row.new?.kind === 'session.revoked')
    .flatMap((row) => (row.new?.payload as { sessionIds?: string[] } | undefined)?.sessionIds ?? [])
    .sort();
  if (ended.join() !== revoked.join()) {
    gaps.push(`${ended.length} sessions ended, and the outbox tells of ${revoked.length}`);
  }
  return gaps;
}
