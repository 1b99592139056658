import { AppError } from '@rollcall/shared/core/errors';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { approveListing } from '@rollcall/sweeper/plan/approve-listing';
import { approvePlan } from '@rollcall/sweeper/plan/approve-plan';
import { history } from '@rollcall/sweeper/plan/read';
import { connectionSweep } from '@rollcall/sweeper/sweep/connection-sweep';
import { type Opened, withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { approverNamed, operatorName } from '../operator.ts';
import { findNamedPlan } from '../queries/plan-named.ts';
import { readShownPlan } from '../queries/shown-plan.ts';
import { planToJson, renderPlan } from '../render/plan.ts';

export interface ApproveOptions {
  readonly rows?: number;
  readonly people?: number;
  readonly reason: string;
  readonly by?: string;
}

/** Throws `cli.usage` where it is not clear what is approved. */
export function approve(
  name: string,
  options: ApproveOptions,
  invocation: Invocation,
): Promise<ExitCode> {
  const { rows, people } = options;
  if (people !== undefined && rows === undefined) {
    return approveNamedPlan(name, { ...options, people }, invocation);
  }
  if (rows !== undefined && people === undefined) {
    return approveSize(name, { ...options, rows }, invocation);
  }
  throw new AppError(
    'cli.usage',
    'A plan is approved with --people, the size of a listing with --rows.',
  );
}

async function approveNamedPlan(
  name: string,
  { people, reason, by }: ApproveOptions & { readonly people: number },
  invocation: Invocation,
): Promise<ExitCode> {
  const { terminal, json, env } = invocation;
  const approver = approverNamed(by, env);
  const shown = await withFoundation(
    invocation,
    { engine: false },
    async ({ foundation: { db } }) => {
      const { runId, digest } = await findNamedPlan(db, name);
      const who = { approver: approver.name, account: approver.account };
      await approvePlan(db, { digest, ...who, people, reason }, currentTime());
      return readShownPlan(db, runId, { limit: 50, after: 0, now: currentTime() });
    },
  );
  if (json) terminal.printJson(planToJson(shown));
  else terminal.print(renderPlan(shown, currentTime(), terminal.colors));
  return shown.plan.approvedAt === null ? EXIT.held : EXIT.ok;
}

async function approveSize(
  name: string,
  options: ApproveOptions & { readonly rows: number },
  invocation: Invocation,
): Promise<ExitCode> {
  await withFoundation(invocation, { engine: false }, (opened) =>
    acceptSize(name, options, opened, invocation),
  );
  const { terminal, json } = invocation;
  const { rows } = options;
  if (json) terminal.printJson({ connection: name, rows, accepted: true });
  else {
    terminal.print(
      `The size of the latest listing of ${name}, ${rows} rows, is accepted. The next sweep is compared with it.`,
    );
  }
  return EXIT.ok;
}

async function acceptSize(
  name: string,
  { rows, reason, by }: ApproveOptions & { readonly rows: number },
  { config, foundation: { db } }: Opened,
  { env }: Invocation,
): Promise<void> {
  const { connectionId } = connectionSweep(config, name, env);
  const [latest] = await history(db, { connectionId, limit: 1 });
  if (latest === undefined) {
    throw new AppError('listing.not_shrunk', `Connection ${name} has not been swept yet.`);
  }
  const approval = { connectionId, runId: latest.runId, rows, approver: by ?? operatorName(env) };
  await approveListing(db, { ...approval, reason }, currentTime());
}
