import type { Decision } from '@rollcall/shared/core/decision';
import type { CompleteSnapshot } from '@rollcall/shared/core/evidence';
import type { UserId } from '@rollcall/shared/core/ids';
import type { RoleReason } from '@rollcall/shared/core/roles';
import { type EpochMs, toEpochMs } from '@rollcall/shared/core/time';
import * as z from 'zod';
import {
  type BrakeClass,
  classOf,
  type Population,
  privilegedAtStake,
} from '../reconcile/brake.ts';
import { type KnownUser, lookedUpSinceSignIn } from '../reconcile/known-user.ts';

/** What a line does to somebody, as the plan keeps it. */
export type PlannedChange =
  | {
      readonly kind: 'suspect' | 'contain' | 'release' | 'deactivate' | 'restore';
      /** Privileged roles that the person holds, and would no longer exercise. */
      readonly privileged: readonly string[];
      /**
       * When the look-up spoke on which the decision rests, where the person had signed in
       * after the listing began. Left out where the decision is as old as the listing.
       */
      readonly observedAt?: EpochMs | undefined;
    }
  | {
      readonly kind: 'change_roles';
      readonly groups: readonly string[];
      readonly roles: readonly string[];
      readonly gain: readonly string[];
      readonly lose: readonly string[];
      readonly because: readonly RoleReason[];
      readonly privileged: readonly string[];
    }
  | { readonly kind: 'refuse' };

/** One line of a plan: a decision about one user, with the evidence it rests on. */
export interface PlanLine {
  readonly userId: UserId;
  readonly decision: PlannedChange['kind'];
  readonly reason: string;
  readonly evidence: Readonly<Record<string, unknown>>;
  /** The user's version that the decision saw. */
  readonly userVersion: number;
  readonly change: PlannedChange;
  /** What the brake counts the line as; null where it takes nothing. */
  readonly brakeClass: BrakeClass | null;
}

/** The line of a plan that a decision makes; null where nothing is to be done or told. */
export function lineOf(
  decision: Decision,
  person: KnownUser,
  snapshot: CompleteSnapshot,
  population: Population,
): PlanLine | null {
  if (decision.kind === 'keep') return null;
  return {
    userId: decision.userId,
    decision: decision.kind,
    reason: decision.reason,
    evidence: evidenceOf(decision, person, snapshot),
    userVersion: person.user.version,
    change: changeOf(decision, person, snapshot, population),
    brakeClass: classOf(decision),
  };
}

function changeOf(
  decision: Exclude<Decision, { kind: 'keep' }>,
  person: KnownUser,
  snapshot: CompleteSnapshot,
  population: Population,
): PlannedChange {
  if (decision.kind === 'refuse') return { kind: 'refuse' };
  const privileged = privilegedAtStake(decision, population);
  if (decision.kind !== 'change_roles') {
    const observedAt = observationAfterSignIn(person, snapshot);
    const change = { kind: decision.kind, privileged };
    return observedAt === null ? change : { ...change, observedAt };
  }
  const { roles, gain, lose, because } = decision;
  const groups = person.member?.groups ?? [];
  return { kind: 'change_roles', groups, roles, gain, lose, because, privileged };
}

function observationAfterSignIn(person: KnownUser, snapshot: CompleteSnapshot): EpochMs | null {
  if (person.member?.standing === 'present') return null;
  return lookedUpSinceSignIn(person, snapshot);
}

function evidenceOf(
  decision: Exclude<Decision, { kind: 'keep' }>,
  person: KnownUser,
  snapshot: CompleteSnapshot,
): Readonly<Record<string, unknown>> {
  return {
    ...('evidence' in decision ? { class: decision.evidence } : {}),
    snapshot: snapshot.digest,
    snapshotStartedAt: snapshot.startedAt,
    ...(decision.reason === 'silent'
      ? { silentDays: person.silentDays, lastSignInAt: person.user.lastAssertionAt }
      : { listed: person.member?.standing ?? 'absent' }),
    ...(decision.reason !== 'silent' && restsOnLookUps(person, snapshot)
      ? { lookUps: person.lookUps }
      : {}),
  };
}

function restsOnLookUps(person: KnownUser, snapshot: CompleteSnapshot): boolean {
  return person.member === null || observationAfterSignIn(person, snapshot) !== null;
}

const strings = z.array(z.string()).readonly();
const storedChange = z.discriminatedUnion('kind', [
  z.object({
    kind: z.enum(['suspect', 'contain', 'release', 'deactivate', 'restore']),
    privileged: strings,
    observedAt: z.number().transform(toEpochMs).optional(),
  }),
  z.object({
    kind: z.literal('change_roles'),
    groups: strings,
    roles: strings,
    gain: strings,
    lose: strings,
    because: z
      .array(
        z.object({
          role: z.string(),
          rule: z.object({ file: z.string(), line: z.number() }),
          groups: strings,
          aliases: z.array(z.object({ group: z.string(), alias: z.string() })).readonly(),
          attributes: strings,
          values: z.array(z.object({ attribute: z.string(), values: strings })).readonly(),
        }),
      )
      .readonly(),
    privileged: strings,
  }),
  z.object({ kind: z.literal('refuse') }),
]);

/** A change as the database holds it. Throws `ZodError` where it is none. */
export function toPlannedChange(stored: unknown): PlannedChange {
  return storedChange.parse(stored);
}
