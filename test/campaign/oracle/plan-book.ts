import type { LedgerRow } from '../ledger.ts';

interface Plan {
  readonly connection: string;
  readonly state: string;
  readonly approved: boolean;
  /** How many of its connection had access when it was begun. */
  readonly population: number;
}

/** The plans of a run, as their rows were written. */
export class PlanBook {
  readonly #plans = new Map<string, Plan>();

  /** @param population how many people of the connection have access at this moment. */
  note(row: LedgerRow, population: (connection: string) => number): void {
    const plan = row.new;
    if (plan === null) return;
    const id = String(plan.run_id);
    const connection = String(plan.connection_id);
    const known = this.#plans.get(id);
    this.#plans.set(id, {
      connection,
      state: String(plan.state),
      approved: (plan.approved_at ?? null) !== null,
      population: known?.population ?? population(connection),
    });
  }

  populationOf(run: string): number {
    return this.#plans.get(run)?.population ?? 0;
  }

  /** Whether a plan of a connection waits for a person. */
  waits(connection: string): boolean {
    return [...this.#plans.values()].some(
      (plan) => plan.connection === connection && ['pending', 'held'].includes(plan.state),
    );
  }

  /** Whether the plan of a run is held, and nobody has approved it. */
  isHeld(run: string): boolean {
    const plan = this.#plans.get(run);
    return plan?.state === 'held' && !plan.approved;
  }
}
