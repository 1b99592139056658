import type { AccessOutcome, RefusalCode } from '@rollcall/shared/access/change';
import { AppError } from '@rollcall/shared/core/errors';
import type { User } from '@rollcall/shared/core/user';
import { keyOf } from './user-named.ts';

/** What a person at the command line reads where a change of a user was not made. */
const SENTENCES: Partial<Readonly<Record<RefusalCode, string>>> = {
  no_such_user: 'There is no such user any more.',
  last_admin:
    'Nobody else holds a privileged role of this user: give it to another person first, or nobody could undo this.',
  other_cause:
    'Somebody else has shut this user out, and alone may end it: SCIM what SCIM did, the sweep what the sweep did.',
  illegal_step: 'The state of this user does not allow that.',
  same_user: 'A record cannot be joined with itself.',
  already_joined:
    'The second of the two is joined with other records already: separate it first, or name it first.',
  purge_eligible: 'A record that is to be purged cannot be joined.',
  purged: 'Nothing is left of this user: `users purge lift` lets the person in as somebody new.',
  shut_out:
    'An administrator has shut one of the two out and not the other: deactivate or reactivate one of them first.',
  gives_person_id: 'The person has its id from this record: separate the others first.',
};

/** Answers with what was done, or throws why it was not: `user.last_admin`, `user.other_cause` and so on. */
export function requireDone(
  outcome: AccessOutcome,
  record: User,
): Extract<AccessOutcome, { kind: 'applied' | 'unchanged' }> {
  if (outcome.kind === 'applied' || outcome.kind === 'unchanged') return outcome;
  const detail = { user: keyOf(record), state: record.state, cause: record.cause };
  if (outcome.kind === 'refused') {
    const sentence = SENTENCES[outcome.code] ?? 'This change was refused.';
    throw new AppError(`user.${outcome.code}`, sentence, { detail });
  }
  throw new AppError('user.changed_meanwhile', 'This user has changed meanwhile: try again.', {
    detail,
  });
}
