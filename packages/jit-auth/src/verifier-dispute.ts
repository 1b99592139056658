import { apply } from '@rollcall/shared/access/apply';
import type { ConnectionId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import { type Database, inTransaction } from '@rollcall/shared/db/database';
import type { Log } from '@rollcall/shared/telemetry/log';
import type { SamlRefusal, SamlRefusalCode } from './saml/refusal.ts';

/** The attempt that was refused. */
export interface DisputedAttempt {
  readonly connectionId: ConnectionId;
  readonly reference: string;
  readonly now: EpochMs;
}

/** Codes of a response that one verifier took, and the other did not or not in the same way. */
const DISPUTED: readonly SamlRefusalCode[] = [
  'saml.verifiers_disagree',
  'saml.second_verifier_refused',
];

/** Whether two verifiers came to different ends. */
export function isDisputed(refusal: SamlRefusal): boolean {
  return DISPUTED.includes(refusal.code);
}

/**
 * Makes it known that two verifiers came to different ends over a response that a
 * pinned key has signed: either somebody has found what one of them reads wrongly,
 * or the provider writes what one of them cannot read. The sign-in is refused
 * already; here it is logged at level error, under one event to be alerted on, and
 * audited. Never throws: that the audit could not be written is logged, too.
 */
export async function raiseDispute(
  { db, log }: { readonly db: Database; readonly log: Log },
  refusal: SamlRefusal,
  { connectionId, reference, now }: DisputedAttempt,
): Promise<void> {
  const { code, detail } = refusal;
  const head = { event: 'saml.verifiers_disagree', ref: reference, connection: connectionId };
  log.error({ ...head, code, ...detail });
  const { assertion, ...evidence } = detail;
  const assertionId = String(assertion);
  const change = { connectionId, code, evidence: { ...evidence, assertionId }, reference };
  const actor = { kind: 'assertion', connection: connectionId, assertionId } as const;
  try {
    await inTransaction(db, (tx) =>
      apply(tx, { kind: 'verifiers_disagreed', ...change }, actor, now),
    );
  } catch (error) {
    log.error({ ...head, event: 'saml.verifiers_disagree_unrecorded', err: error });
  }
}
