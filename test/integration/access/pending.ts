import { apply } from '@rollcall/shared/access/apply';
import type { AccessOutcome } from '@rollcall/shared/access/change';
import { inTransaction } from '@rollcall/shared/db/database';
import { at, type Scene } from './people.ts';

/** A transaction that has made its change and waits to be told to commit. */
export interface Pending {
  /** Settled once the change has been made; commits after it need `commit`. */
  readonly made: Promise<AccessOutcome>;
  commit(): Promise<AccessOutcome>;
}

/** Begins a change in a transaction of its own. */
export function beginIn(scene: () => Scene) {
  return (
    change: Parameters<typeof apply>[1],
    actor: Parameters<typeof apply>[2],
    seconds: number,
  ): Pending => {
    const made = Promise.withResolvers<AccessOutcome>();
    const gate = Promise.withResolvers<void>();
    const all = inTransaction(scene().db, async (tx) => {
      const outcome = await apply(tx, change, actor, at(seconds));
      made.resolve(outcome);
      await gate.promise;
      return outcome;
    });
    all.catch(made.reject);
    return {
      made: made.promise,
      commit: () => {
        gate.resolve();
        return all;
      },
    };
  };
}

/** Waits until this many transactions of the test wait for a lock. */
export function untilWaitingIn(scene: () => Scene) {
  return async (count: number): Promise<void> => {
    for (let i = 0; i < 400; i++) {
      const { rows } = await scene().pool.query<{ n: number }>(
        `select count(*)::int as n from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`,
      );
      if (rows[0]?.n === count) return;
      await new Promise((done) => setTimeout(done, 10));
    }
    throw new Error(`${count} transactions should wait for a lock`);
  };
}
