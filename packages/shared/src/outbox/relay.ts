import type { Database } from '../db/database.ts';
import type { Log } from '../telemetry/log.ts';
import type { Change } from './change.ts';
import {
  claimDeliveries,
  closeTarget,
  parkDelivery,
  postponeDelivery,
  settleDelivery,
} from './deliveries.ts';
import { type Relay, type RelayStore, runRelay } from './relay-round.ts';
import { type RelaySettings, settingsOf } from './relay-settings.ts';
import { registerTarget } from './targets.ts';

/** What a relay serves. */
export interface RelayTarget {
  /** The same in every process and after every restart: what waits, waits under this name. */
  readonly name: string;
  /** Takes one change, or throws: then it comes again. */
  deliver(change: Change, signal: AbortSignal): Promise<void> | void;
}

/**
 * Hands the changes of the outbox to a target: at least once, in the order of each
 * user, after their commit. Any number of processes may serve one target: each change
 * is in the hand of one of them. One that dies between the target's answer and the
 * mark leaves a change that is handed over again when its lease has run out.
 *
 * What fails is tried again, later and later, and holds up only the later changes of
 * the same user for the same target. After `attempts` it is parked: it waits, with
 * those behind it, until `rollcall targets replay` or `skip`.
 */
export function startRelay(
  db: Database,
  target: RelayTarget,
  log: Log,
  settings: Partial<RelaySettings> = {},
): Relay {
  const receiver = {
    named: { target: target.name },
    name: ({ id, kind, user }: Change) => ({ change: id, kind, user: user.record }),
    deliver: (change: Change, signal: AbortSignal) => target.deliver(change, signal),
  };
  return runRelay(outboxOf(db, target.name), receiver, log, settingsOf(settings));
}

function outboxOf(db: Database, target: string): RelayStore<Change> {
  return {
    register: () => registerTarget(db, target),
    claim: (claim, lease) => claimDeliveries(db, target, claim, lease),
    settle: (taken) => settleDelivery(db, taken),
    postpone: (taken, failure) => postponeDelivery(db, taken, failure),
    park: (taken, error) => parkDelivery(db, taken, error),
    close: (error) => closeTarget(db, target, error),
  };
}
