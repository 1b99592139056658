import { randomUUID } from 'node:crypto';
import { apply } from '@rollcall/shared/access/apply';
import type {
  AccessOutcome,
  Provisioning as ConnectionProvisioning,
  RefusalCode,
  RolesMode,
} from '@rollcall/shared/access/change';
import type { Actor } from '@rollcall/shared/core/actor';
import { type SessionId, toSessionId, toUserId } from '@rollcall/shared/core/ids';
import type { Vouching } from '@rollcall/shared/core/re-entry';
import { after, type EpochMs } from '@rollcall/shared/core/time';
import type { User } from '@rollcall/shared/core/user';
import { type Database, inTransaction, type Tx } from '@rollcall/shared/db/database';
import { assertVerified, type VerifiedAssertion } from '../saml/verified-assertion.ts';
import { decideProvisioning, type Provisioning, type ProvisioningPolicy } from './decide.ts';

/** What one connection's sign-ins need besides the assertion. */
export interface ProvisioningContext {
  readonly db: Database;
  readonly policy: ProvisioningPolicy;
  readonly mode: RolesMode;
  /** Who makes people known. */
  readonly provisioning: ConnectionProvisioning;
  /** Who can say that somebody is back whose access the sweep has ended. */
  readonly vouching: Vouching;
  readonly privilegedRoles: ReadonlySet<string>;
  /** How long a session may last, in milliseconds; the identity provider may say less. */
  readonly sessionMaxMs: number;
  /** How far the clock of the identity provider may be ahead of ours, in milliseconds. */
  readonly clockSkewMs: number;
}

/** What belongs to one sign-in besides its assertion. */
export interface SignInAttempt {
  /** The id that the person and the log see. */
  readonly reference: string;
  /** When the browser was sent to the identity provider, by our clock; null where it came unasked. */
  readonly begunAt: EpochMs | null;
}

/** What became of a sign-in that verified. */
export type SignInResult =
  | {
      readonly kind: 'admitted';
      readonly user: User;
      readonly roles: readonly string[];
      readonly created: boolean;
      readonly sessionId: SessionId;
      readonly expiresAt: EpochMs;
    }
  | {
      readonly kind: 'refused';
      /** `identity.…` or `access.…`. */
      readonly code: string;
      readonly user: User | null;
      readonly detail: Readonly<Record<string, unknown>>;
    };

type Admitted = Extract<Provisioning, { kind: 'admit' }>;

const REFUSED_AS: Readonly<Record<RefusalCode, string>> = {
  deactivated: 'access.deactivated',
  assertion_too_old: 'access.assertion_too_old',
  no_role: 'access.no_role',
  groups_unknown: 'access.groups_missing',
  directory_id_changed: 'identity.directory_id_changed',
  not_provisioned: 'access.not_provisioned',
  signed_out_since: 'access.signed_out_since',
  no_such_connection: 'access.refused',
  no_such_user: 'access.refused',
  last_admin: 'access.refused',
  protected: 'access.refused',
  not_owned: 'access.refused',
  other_cause: 'access.refused',
  illegal_step: 'access.refused',
  sign_in_doubtful: 'access.refused',
  not_by_hand: 'access.refused',
  same_user: 'access.refused',
  already_joined: 'access.refused',
  purge_eligible: 'access.refused',
  purged: 'access.refused',
  shut_out: 'access.refused',
  gives_person_id: 'access.refused',
};

/**
 * Lets somebody in whom the identity provider vouched for, or says why not: the
 * user, the roles, the audit and the session are one transaction. A refusal is
 * recorded in the same way. Throws only when the database does; then nothing
 * has been written.
 */
export async function provision(
  context: ProvisioningContext,
  assertion: VerifiedAssertion,
  attempt: SignInAttempt,
  now: EpochMs,
): Promise<SignInResult> {
  assertVerified(assertion);
  return inTransaction(context.db, (tx) => provisionIn(tx, context, assertion, attempt, now));
}

async function provisionIn(
  tx: Tx,
  context: ProvisioningContext,
  assertion: VerifiedAssertion,
  attempt: SignInAttempt,
  now: EpochMs,
): Promise<SignInResult> {
  const { policy } = context;
  // Only the database knows whether the person is known, so both are decided: pure, and
  // the second one only where it is asked for, under the lock.
  const decided = decideProvisioning(assertion, policy, () => true);
  const told = { context, assertion, ...attempt, now };
  if (decided.kind === 'refuse') return refuse(tx, told, decided);
  return admit(tx, told, decided);
}

type Refused = Extract<Provisioning, { kind: 'refuse' }>;

async function refuse(
  tx: Tx,
  told: Told,
  { subject, code, detail }: Refused,
): Promise<SignInResult> {
  await recordRefusal(tx, told, subject, code, detail);
  return { kind: 'refused', code, user: null, detail };
}

interface Told extends SignInAttempt {
  readonly context: ProvisioningContext;
  readonly assertion: VerifiedAssertion;
  readonly now: EpochMs;
}

async function admit(tx: Tx, told: Told, decided: Admitted): Promise<SignInResult> {
  const { context, assertion, now } = told;
  const sessionId = toSessionId(randomUUID());
  const expiresAt = sessionEnd(assertion, context.sessionMaxMs, now);
  const refused: Refused[] = [];
  const mappingOfNewcomer = () => {
    const asNewcomer = decideProvisioning(assertion, context.policy, () => false);
    if (asNewcomer.kind === 'admit') return asNewcomer.mapping;
    refused.push(asNewcomer);
    return null;
  };
  const outcome = await apply(
    tx,
    {
      ...decided,
      kind: 'sign_in',
      newUserId: toUserId(randomUUID()),
      connectionId: context.policy.connectionId,
      mappingOfNewcomer,
      mode: context.mode,
      provisioning: context.provisioning,
      privilegedRoles: context.privilegedRoles,
      issuedAt: assertion.issuedAt,
      begunAt: told.begunAt,
      clockSkewMs: context.clockSkewMs,
      authenticatedAt: assertion.authnInstant,
      vouching: context.vouching,
      session: {
        id: sessionId,
        nameId: assertion.nameId,
        sessionIndex: assertion.sessionIndex,
        expiresAt,
      },
      reference: told.reference,
    },
    actorOf(told),
    now,
  );
  if (outcome.kind === 'applied') {
    const { user, roles, created } = outcome;
    return { kind: 'admitted', user, roles, created, sessionId, expiresAt };
  }
  const [refusal] = refused;
  if (refusal !== undefined) return refuse(tx, told, refusal);
  const { code, user, detail } = refusalOf(outcome, decided);
  await recordRefusal(tx, told, decided.subject, code, detail);
  return { kind: 'refused', code, user, detail };
}

function refusalOf(
  outcome: Exclude<AccessOutcome, { kind: 'applied' }>,
  decided: Admitted,
): { code: string; user: User | null; detail: Readonly<Record<string, unknown>> } {
  const expected = { expected: 'a user who may be let in' };
  if (outcome.kind !== 'refused') {
    return { code: 'access.refused', user: null, detail: { ...expected, received: outcome.kind } };
  }
  const { user } = outcome;
  const code = REFUSED_AS[outcome.code];
  if (outcome.code === 'no_role') {
    const unmatched = decided.mapping.kind === 'known' ? decided.mapping.unmatched : null;
    const detail = { expected: 'a group that a rule names', received: unmatched, unmatched };
    return { code, user, detail };
  }
  const { state, cause, stateReason: reason } = user ?? {};
  return { code, user, detail: { ...expected, received: outcome.code, state, cause, reason } };
}

/** The identity provider may end a session sooner than we do, never later (SAML Core §2.7.2). */
function sessionEnd(assertion: VerifiedAssertion, maxMs: number, now: EpochMs): EpochMs {
  const ours = after(now, maxMs);
  const theirs = assertion.sessionNotOnOrAfter;
  return theirs !== null && theirs < ours ? theirs : ours;
}

function actorOf({ context, assertion }: Told): Actor {
  const { connectionId } = context.policy;
  return { kind: 'assertion', connection: connectionId, assertionId: assertion.assertionId };
}

async function recordRefusal(
  tx: Tx,
  told: Told,
  subject: Admitted['subject'] | null,
  code: string,
  detail: Readonly<Record<string, unknown>>,
): Promise<void> {
  const connectionId = told.context.policy.connectionId;
  const evidence = { ...detail, assertionId: told.assertion.assertionId };
  const change = { subject, connectionId, code, evidence, reference: told.reference };
  await apply(tx, { kind: 'sign_in_refused', ...change }, actorOf(told), told.now);
}
