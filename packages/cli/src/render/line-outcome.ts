import { sayReason } from '@rollcall/shared/core/reasons';

/** Why a line was not carried out, or not taken back, where that is no reason of a decision. */
const SENTENCES: Readonly<Record<string, string>> = {
  waits_in_earlier_plan: 'waits in an earlier plan',
  plan_expired: 'the plan had expired',
  configuration_changed: 'the configuration had changed',
  newer_state: 'something newer was known of them',
  newer_groups: 'newer groups were known of them',
  version_changed: 'changed by somebody else since',
  not_recorded: 'nothing was recorded that could be taken back',
  gives_person_id: 'gives other records of the same person their id',
  void: 'nothing was left to do',
};

/** The sentence for what a line says of its outcome; the code itself for an unknown one. */
export function sayOutcome(code: string | null): string {
  const known = code ?? 'void';
  return Object.hasOwn(SENTENCES, known) ? (SENTENCES[known] ?? known) : sayReason(known);
}
