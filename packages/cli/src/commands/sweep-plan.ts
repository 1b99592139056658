import { AppError } from '@rollcall/shared/core/errors';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { createLog, type Log } from '@rollcall/shared/telemetry/log';
import { connectionSweep } from '@rollcall/sweeper/sweep/connection-sweep';
import { runSweep } from '@rollcall/sweeper/sweep/run-sweep';
import type { SweepSummary } from '@rollcall/sweeper/sweep/summary';
import { listenForStop } from '../compose/signals.ts';
import { waitForLease } from '../compose/sweep-lease.ts';
import { progressOfSweep, withProgress } from '../compose/sweep-progress.ts';
import { type Opened, withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { CommandFailure } from '../failure.ts';
import type { Invocation } from '../invocation.ts';
import { choiceOf, type LineOptions } from '../program/line-options.ts';
import { readShownPlan } from '../queries/shown-plan.ts';
import { planToJson, renderPlan, type ShownPlan } from '../render/plan.ts';

export async function plan(
  connection: string,
  page: LineOptions,
  invocation: Invocation,
): Promise<ExitCode> {
  const { terminal, json } = invocation;
  const { summary, shown } = await withFoundation(invocation, { engine: false }, (opened) =>
    makePlan(connection, page, opened, invocation),
  );
  if (shown === null) throw cameToNothing(summary);
  if (json) terminal.printJson(planToJson(shown));
  else terminal.print(renderPlan(shown, currentTime(), terminal.colors));
  if (summary.waiting === 0) return EXIT.ok;
  return summary.state === 'held' ? EXIT.held : EXIT.changesPending;
}

interface Planned {
  readonly summary: SweepSummary;
  /** Null where there is no plan, because the listing proves nothing. */
  readonly shown: ShownPlan | null;
}

async function makePlan(
  connection: string,
  page: LineOptions,
  { config, foundation: { db } }: Opened,
  invocation: Invocation,
): Promise<Planned> {
  const sweep = connectionSweep(config, connection, invocation.env, db);
  const stop = new AbortController();
  const request = listenForStop(() => undefined);
  void request.asked.then(() => stop.abort());
  try {
    const tools = { db, log: quietLog(invocation), planOnly: true, signal: stop.signal };
    const result = await withProgress(progressOfSweep(db, sweep.connectionId), invocation, () =>
      waitForLease(
        () => runSweep(sweep, 'operator', tools),
        (outcome) => 'answer' in outcome && outcome.answer.kind === 'busy',
      ),
    );
    if (result.kind === 'busy') throw busy(connection, result.holder);
    const finished =
      result.state === 'planned' || result.state === 'held' || result.state === 'applied';
    if (!finished) return { summary: result, shown: null };
    // Where exactly the same waits already, that plan goes on waiting, with its approvals.
    const runId = result.waitingPlan?.runId ?? result.runId;
    const shown = await readShownPlan(db, runId, {
      limit: page.limit,
      after: page.after,
      now: currentTime(),
      choice: choiceOf(page),
    });
    return { summary: result, shown };
  } finally {
    request.release();
  }
}

/** The result is on standard output, so the log may only go to standard error. */
function quietLog({ verbose, terminal }: Invocation): Log {
  const write = (line: string): void => terminal.complain(line.trimEnd());
  return createLog(verbose ? 'debug' : 'silent', { write });
}

function cameToNothing({ code, explanation, state, runId, rows }: SweepSummary): AppError {
  const why = (explanation ?? 'the log of the service says why').replace(/\.$/, '');
  const sentence =
    state === 'incomplete'
      ? `The directory did not answer in full, so nothing is concluded: ${why}.`
      : `The sweep failed: ${why}.`;
  const exit = state === 'incomplete' ? EXIT.incomplete : EXIT.error;
  return new CommandFailure(exit, code, sentence, { state, run: runId, rows });
}

function busy(connection: string, holder: string | null): AppError {
  return new AppError(
    'sweep.busy',
    `A sweep of ${connection} is running: try again when it has ended.`,
    { detail: { holder } },
  );
}
