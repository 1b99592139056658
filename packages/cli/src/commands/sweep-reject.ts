import { rejectPlan } from '@rollcall/sweeper/plan/reject-plan';
import { isBusyError, waitForLease } from '../compose/sweep-lease.ts';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { operatorName } from '../operator.ts';
import { findNamedPlan } from '../queries/plan-named.ts';
import { rejectedToJson, sayRejected } from '../render/sweep-outcome.ts';

export interface RejectOptions {
  readonly reason: string;
  readonly by?: string;
}

export async function reject(
  name: string,
  { reason, by }: RejectOptions,
  invocation: Invocation,
): Promise<ExitCode> {
  const { terminal, json, env } = invocation;
  const { plan, released } = await withFoundation(
    invocation,
    { engine: false },
    async ({ foundation: { db } }) => {
      const { runId } = await findNamedPlan(db, name);
      const rejection = { plan: runId, operator: by ?? operatorName(env), reason };
      return waitForLease(() => rejectPlan(db, rejection), isBusyError);
    },
  );
  if (json) terminal.printJson(rejectedToJson(plan, released));
  else terminal.print(sayRejected(plan, released));
  return EXIT.ok;
}
