import type { Decision, KeepReason } from '@rollcall/shared/core/decision';
import type { CompleteSnapshot } from '@rollcall/shared/core/evidence';
import { HELD } from '@rollcall/shared/core/lifecycle';
import type { SignInHealth } from '@rollcall/shared/core/sign-in-health';
import { after, type EpochMs } from '@rollcall/shared/core/time';
import type { KnownUser } from './known-user.ts';
import type { MissPolicy } from './policy.ts';

/**
 * A roster that is written each night is never written to the second: two that are a
 * little closer than asked for count as two.
 */
const NEAR_ENOUGH = 0.9;

/**
 * What follows for somebody with access whom a complete snapshot lacks, where nobody can
 * be asked about one person (evidence E3). The first miss asks them for a fresh sign-in,
 * which ends it; whoever brings none, and is missing as often as the policy says, loses
 * access. Nobody loses it who was not asked first, and missing again since: misses that
 * were counted while sign-in was broken, or a containment that nobody approved, do not
 * replace the question.
 */
export function decideByMisses(
  snapshot: CompleteSnapshot,
  person: KnownUser,
  policy: MissPolicy,
  signIn: SignInHealth,
): Decision {
  const { user } = person;
  const keep = (reason: KeepReason): Decision => ({ kind: 'keep', userId: user.id, reason });
  // A held plan asks for as long as it waits; nobody has decided yet that they are to be asked.
  const asked = user.state === 'contained' && user.stateReason !== HELD;
  const missedSince = asked && snapshot.startedAt > user.stateChangedAt;
  const enough = countMisses(snapshot, person, policy) >= policy.needed;
  if (asked && !(missedSince && enough)) return keep('waiting_for_misses');
  if (signIn.kind !== 'healthy') return keep('sign_in_doubtful');
  if (asked) {
    return { kind: 'deactivate', userId: user.id, reason: 'absent_repeatedly', evidence: 'E3' };
  }
  return { kind: 'contain', userId: user.id, reason: 'absent_unconfirmable', evidence: 'E3' };
}

/**
 * How many misses count: those after the last sign-in, each far enough from the one that
 * counted before. A roster that was not renewed speaks of the same moment again, and is
 * the same miss.
 */
export function countMisses(
  snapshot: CompleteSnapshot,
  { user, misses = [] }: Pick<KnownUser, 'user' | 'misses'>,
  { apartMs }: MissPolicy,
): number {
  const signedInAt = user.lastAssertionAt;
  const trail = [...misses, snapshot.startedAt]
    .filter((at) => at <= snapshot.startedAt && (signedInAt === null || at > signedInAt))
    .sort((a, b) => a - b);
  let counted = 0;
  let last: EpochMs | null = null;
  for (const at of trail) {
    if (last !== null && at < after(last, Math.ceil(apartMs * NEAR_ENOUGH))) continue;
    counted += 1;
    last = at;
  }
  return counted;
}
