import { type Grant, rolesOf, type User } from '../core/user.ts';
import type { SignIn } from './change.ts';
import { type AuditEntry, auditViewOf, type OutboxMessage } from './record.ts';
import type { GrantResult } from './role-change.ts';

/** What is told of a change: facts for the audit trail, messages for those who listen. */
export interface Story {
  readonly facts: readonly AuditEntry[];
  readonly messages: readonly OutboxMessage[];
}

/** What a sign-in found, and what it left. */
export interface SignInTold {
  readonly user: User;
  readonly after: User;
  readonly before: readonly Grant[];
  readonly granted: GrantResult;
  readonly change: SignIn;
}

/** The story of somebody who was let in. */
export function storyOf(told: SignInTold & { readonly created: boolean }): Story {
  const { user, after, granted, created, change } = told;
  const head = headOf(told);
  const views = viewsOf(told);
  const unknown = change.groupsUnknown ?? null;
  const evidence = {
    sessionId: change.session.id,
    issuedAt: change.issuedAt,
    // Without groups no grant changed: whoever asks why finds it here (invariant 9).
    ...(unknown === null ? {} : { groups: unknown }),
  };
  const difference = created ? NOTHING : roleDifference(told);
  const payload = { subject: after.subject, profile: after.profile, roles: granted.roles };
  const creation: readonly AuditEntry[] = created
    ? [{ kind: 'user.created', ...head, after: views.after }]
    : [];
  const kept = { reason: 'last_admin', evidence: { kept: granted.kept } };
  const back = returnOf(told);
  return {
    facts: [
      ...creation,
      ...back.facts,
      ...releaseOf(told),
      { kind: 'user.signed_in', ...head, ...views, evidence },
      ...(granted.kept.length > 0 ? [{ kind: 'roles.kept' as const, ...head, ...kept }] : []),
      ...difference.facts,
    ],
    messages: [
      ...(created ? [{ kind: 'user.created' as const, userId: user.id, payload }] : []),
      ...back.messages,
      ...difference.messages,
      ...(created ? [] : profileDifference(told)),
    ],
  };
}

/** What a refused sign-in changed all the same: the state, the names, the roles; nothing where none. */
export function storyOfRefused(told: SignInTold): Story {
  const { user, after } = told;
  const difference = roleDifference(told);
  const renamed = profileDifference(told);
  if (user.state === after.state && renamed.length === 0) return difference;
  const update = { ...headOf(told), reason: 'signed_in', ...viewsOf(told) };
  return {
    facts: [{ kind: 'user.changed', ...update }, ...difference.facts],
    messages: [...renamed, ...difference.messages],
  };
}

const NOTHING: Story = { facts: [], messages: [] };

/** That access is back which had ended. */
function returnOf(told: SignInTold): Story {
  const { user, after, change } = told;
  if (user.cause === null || after.cause !== null) return NOTHING;
  const reason = 'signed_in_again';
  const { issuedAt, authenticatedAt, begunAt } = change;
  const fact = { ...headOf(told), reason, ...viewsOf(told) };
  const payload = { reason, subject: user.subject };
  return {
    facts: [{ kind: 'user.restored', ...fact, evidence: { issuedAt, authenticatedAt, begunAt } }],
    messages: [{ kind: 'user.restored', userId: user.id, payload }],
  };
}

/** That somebody contained has brought the fresh assertion that they owed. */
function releaseOf(told: SignInTold): readonly AuditEntry[] {
  const { user, after, change } = told;
  if (user.state !== 'contained' || after.state !== 'active') return [];
  const { issuedAt, authenticatedAt, begunAt } = change;
  const fact = { ...headOf(told), reason: 'signed_in', ...viewsOf(told) };
  return [{ kind: 'user.released', ...fact, evidence: { issuedAt, authenticatedAt, begunAt } }];
}

/** What the assertion changed of the roles; nothing where it changed none. */
function roleDifference(told: SignInTold): Story {
  const { gained, lost, roles } = told.granted;
  if (gained.length + lost.length === 0) return NOTHING;
  const userId = told.user.id;
  const fact = { ...headOf(told), reason: 'signed_in', ...viewsOf(told) };
  return {
    facts: [{ kind: 'roles.changed', ...fact }],
    messages: [{ kind: 'roles.changed', userId, payload: { gained, lost, roles } }],
  };
}

function profileDifference({ user, after }: SignInTold): readonly OutboxMessage[] {
  if (JSON.stringify(user.profile) === JSON.stringify(after.profile)) return [];
  return [{ kind: 'user.changed', userId: user.id, payload: { profile: after.profile } }];
}

function headOf({ user, change }: SignInTold) {
  return { userId: user.id, connectionId: user.connectionId, reference: change.reference };
}

function viewsOf({ user, after, before, granted }: SignInTold) {
  return {
    before: auditViewOf(user, rolesOf(before)),
    after: auditViewOf(after, granted.roles),
  };
}
