import { AppError } from '@rollcall/shared/core/errors';
import type { Database } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { readSinks, replaySink } from '@rollcall/shared/notify/waiting';
import {
  readBacklogs,
  readFailed,
  replayDeliveries,
  skipDelivery,
  type TargetBacklog,
} from '@rollcall/shared/outbox/waiting';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { operatorName } from '../operator.ts';
import { renderTargets, targetsToJson } from '../render/targets.ts';

/** How the sinks of notifications are told from targets. */
const SINK = 'notify:';

/** Targets, and behind them the sinks of notifications. */
async function readAll(db: Database): Promise<readonly TargetBacklog[]> {
  const sinks = (await readSinks(db)).map((sink) => ({ ...sink, name: `${SINK}${sink.name}` }));
  return [...(await readBacklogs(db)), ...sinks];
}

export async function list(limit: number, invocation: Invocation): Promise<ExitCode> {
  const state = await withFoundation(invocation, { engine: false }, async ({ foundation }) => ({
    targets: await readAll(foundation.db),
    failed: await readFailed(foundation.db, limit),
  }));
  const { terminal, json } = invocation;
  if (json) terminal.printJson(targetsToJson(state));
  else terminal.print(renderTargets(state, currentTime(), terminal.colors));
  return EXIT.ok;
}

export async function replay(
  target: string,
  change: string | null,
  invocation: Invocation,
): Promise<ExitCode> {
  const replayed = await withFoundation(invocation, { engine: false }, async ({ foundation }) => {
    await requireTarget(foundation.db, target);
    if (!target.startsWith(SINK)) return replayDeliveries(foundation.db, { target, change });
    const sink = target.slice(SINK.length);
    return replaySink(foundation.db, { sink, notification: change });
  });
  if (change !== null && replayed === 0) throw notFailed(target, change);
  const { terminal, json } = invocation;
  if (json) terminal.printJson({ target, replayed });
  else terminal.print(`${replayed} to be tried again by ${target}.`);
  return EXIT.ok;
}

export async function skip(
  target: string,
  change: string,
  { by }: { readonly by?: string },
  invocation: Invocation,
): Promise<ExitCode> {
  const actor = { kind: 'operator' as const, name: by ?? operatorName() };
  const skipped = await withFoundation(invocation, { engine: false }, async ({ foundation }) => {
    await requireTarget(foundation.db, target);
    return skipDelivery(foundation.db, { target, change }, actor, currentTime());
  });
  if (!skipped) throw notFailed(target, change);
  const { terminal, json } = invocation;
  if (json) terminal.printJson({ target, skipped: change });
  else terminal.print(`Change ${change} is dropped for ${target}.`);
  return EXIT.ok;
}

async function requireTarget(db: Database, target: string): Promise<void> {
  const names = (await readAll(db)).map(({ name }) => name);
  if (names.includes(target)) return;
  throw new AppError('target.unknown', `There is no target ${target.slice(0, 80)}.`, {
    detail: { expected: names, received: target.slice(0, 80) },
  });
}

function notFailed(target: string, change: string): AppError {
  return new AppError(
    'target.not_waiting',
    `Change ${change} does not wait for ${target} after a failure: \`rollcall targets list\` shows what does.`,
    { detail: { target, change } },
  );
}
