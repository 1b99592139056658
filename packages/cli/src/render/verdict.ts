import type { EpochMs } from '@rollcall/shared/core/time';
import { toIso } from '@rollcall/shared/explanation/user-json';
import type { Verdict } from '../queries/verdict.ts';
import { printable } from './printable.ts';
import { grantSentence, missSentence } from './role-lines.ts';

/** A verdict for people: `yes` or `no` first, then why. */
export function renderVerdict(role: string, verdict: Verdict, now: EpochMs): string {
  if (verdict.can) {
    const reasons = [
      ...verdict.grants.map((grant) => `${role} ${grantSentence(grant, now)}`),
      ...verdict.joined.map((key) => `${role} ← the joined record ${key}`),
    ];
    return printable(`yes: ${reasons.join('; ')}`);
  }
  const reasons = verdict.why === 'no_grant' ? verdict.missed.map(missSentence) : [];
  const groups =
    verdict.why === 'no_grant' && verdict.unmatched.length > 0
      ? [`groups that no rule names: ${verdict.unmatched.join(', ')}`]
      : [];
  return printable(`no: ${[verdict.because, ...reasons, ...groups].join('; ')}`);
}

/** A verdict for programs. Unlike an error it has `can`. */
export function verdictToJson(
  user: string,
  role: string,
  verdict: Verdict,
): Record<string, unknown> {
  const head = { user, role, can: verdict.can };
  if (!verdict.can) {
    const { why, because, missed, unmatched } = verdict;
    return { ...head, why, because, missed, unmatched };
  }
  const grants = verdict.grants.map((grant) => ({
    connection: grant.connectionId,
    channel: grant.channel,
    seen_in: grant.seenIn,
    because: grant.because,
    last_seen_at: toIso(grant.lastSeenAt),
  }));
  return { ...head, grants, joined: verdict.joined };
}
