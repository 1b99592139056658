import { apply } from '@rollcall/shared/access/apply';
import type { Actor } from '@rollcall/shared/core/actor';
import type { ConnectionId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import { type Database, inTransaction } from '@rollcall/shared/db/database';
import type { Log } from '@rollcall/shared/telemetry/log';
import { SamlRefusal, type SamlRefusalCode } from './saml/refusal.ts';

/** The attempt that was refused. */
export interface DisputedAttempt {
  readonly connectionId: ConnectionId;
  readonly reference: string;
  readonly now: EpochMs;
}

/** Codes of a message that one verifier took, and the other did not or not in the same way. */
const DISPUTED: readonly SamlRefusalCode[] = [
  'saml.verifiers_disagree',
  'saml.second_verifier_refused',
];

/** Whether two verifiers came to different ends. */
function isDisputed(error: unknown): error is SamlRefusal {
  return error instanceof SamlRefusal && DISPUTED.includes(error.code);
}

/** With what a disagreement is made known. */
export interface DisputeTools {
  readonly db: Database;
  readonly log: Log;
}

/** Answers with what `work` does; where it fails by a disagreement, that is made known first. */
export async function raisingDisputes<T>(
  tools: DisputeTools,
  attempt: DisputedAttempt,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isDisputed(error)) await raiseDispute(tools, error, attempt);
    throw error;
  }
}

/**
 * Makes it known that two verifiers came to different ends over a message that a
 * pinned key has signed: either somebody has found what one of them reads wrongly,
 * or the provider writes what one of them cannot read. The message is refused
 * already; here it is logged at level error, under one event to be alerted on, and
 * audited. Never throws: that the audit could not be written is logged, too.
 */
export async function raiseDispute(
  { db, log }: DisputeTools,
  refusal: SamlRefusal,
  { connectionId, reference, now }: DisputedAttempt,
): Promise<void> {
  const { code, detail } = refusal;
  const head = { event: 'saml.verifiers_disagree', ref: reference, connection: connectionId };
  log.error({ ...head, code, ...detail });
  const { assertion, request, response, ...evidence } = detail;
  const actor = actorOf(connectionId, { assertion, request, response });
  const { kind: _kind, connection: _connection, ...id } = actor;
  const change = { connectionId, code, evidence: { ...evidence, ...id }, reference };
  try {
    await inTransaction(db, (tx) =>
      apply(tx, { kind: 'verifiers_disagreed', ...change }, actor, now),
    );
  } catch (error) {
    log.error({ ...head, event: 'saml.verifiers_disagree_unrecorded', err: error });
  }
}

/** The message over which they disagree: what the refusal tells of it. */
function actorOf(
  connection: ConnectionId,
  { assertion, request, response }: Readonly<Record<string, unknown>>,
): Extract<Actor, { kind: 'assertion' | 'logout_request' | 'logout_response' }> {
  if (typeof request === 'string')
    return { kind: 'logout_request', connection, requestId: request };
  if (typeof response === 'string') {
    return { kind: 'logout_response', connection, responseId: response };
  }
  return { kind: 'assertion', connection, assertionId: String(assertion) };
}
