import { rejectPlan } from '@rollcall/sweeper/plan/reject-plan';
import { isBusyError, waitForLease } from '../compose/sweep-lease.ts';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { operatorName } from '../operator.ts';
import { findNamedPlan, shortDigest } from '../queries/plan-named.ts';

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
  const { runId: run, connectionId: connection, digest } = plan;
  if (json) terminal.printJson({ run, connection, digest, state: 'rejected', released });
  else {
    terminal.print(
      `Plan ${shortDigest(digest)} (rejected): nothing of it can be applied; ${released} released.`,
    );
  }
  return EXIT.ok;
}
