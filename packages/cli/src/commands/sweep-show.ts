import { AppError, codeOf } from '@rollcall/shared/core/errors';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { choiceOf, type LineOptions } from '../program/line-options.ts';
import { findNamedPlan } from '../queries/plan-named.ts';
import { readShownPlan } from '../queries/shown-plan.ts';
import { findRun } from '../queries/sweep-run.ts';
import { planToJson, renderPlan } from '../render/plan.ts';

export async function show(
  name: string,
  options: LineOptions,
  invocation: Invocation,
): Promise<ExitCode> {
  const now = currentTime();
  const shown = await withFoundation(
    invocation,
    { engine: false },
    async ({ foundation: { db } }) => {
      const { runId } = await findNamedPlan(db, name).catch(async (error: unknown) => {
        if (codeOf(error) === 'plan.not_found') await requirePlanOfRun(db, name);
        throw error;
      });
      return readShownPlan(db, runId, {
        limit: options.limit,
        after: options.after,
        now,
        choice: choiceOf(options),
      });
    },
  );
  const { terminal, json } = invocation;
  if (json) terminal.printJson(planToJson(shown));
  else terminal.print(renderPlan(shown, now, terminal.colors));
  return EXIT.ok;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A run that came to nothing has no plan to show: says why. Throws `sweep.no_plan`. */
async function requirePlanOfRun(db: Parameters<typeof findRun>[0], name: string): Promise<void> {
  const run = UUID.test(name) ? await findRun(db, name) : null;
  if (run === null) return;
  const why = run.explanation?.replace(/\.$/, '') ?? `it is ${run.state}`;
  throw new AppError('sweep.no_plan', `This sweep made no plan: ${why}.`, {
    detail: { state: run.state, code: run.code },
  });
}
