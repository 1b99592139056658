import { setTimeout as wait } from 'node:timers/promises';
import type { Config } from '@rollcall/shared/config/types';
import type { ConnectionId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import { type Database, inTransaction, type Tx } from '@rollcall/shared/db/database';
import { EVENT_NAMES, EVENTS, type NotificationEvent } from '@rollcall/shared/notify/events';
import { type Notification, type Occasion, raise, resolve } from '@rollcall/shared/notify/raise';
import { forgetAbandonedSinks } from '@rollcall/shared/notify/sink-deliveries';
import type { Log } from '@rollcall/shared/telemetry/log';
import { sql } from 'kysely';
import { readAdmissions, readRefusals, readScim, readSweeps } from './facts.ts';
import { readKeptAdmins } from './kept-admins.ts';
import { type Judgement, nextSteps, type Step } from './rules/episode.ts';
import { judgeScim } from './rules/scim.ts';
import {
  judgeAdmissions,
  judgeRefusals,
  judgeScimLeavers,
  judgeScimRefusals,
} from './rules/spikes.ts';
import { judgeDirectory, judgeFailed, judgeStale } from './rules/sweeps.ts';
import { readScimHours } from './scim-hours.ts';
import { readEndingTokens } from './scim-tokens.ts';

/** What the watch stands on. */
export interface WatchParts {
  readonly config: Pick<Config, 'connections'>;
  readonly db: Database;
  readonly log: Log;
  readonly clock: () => EpochMs;
}

/** How often somebody looks, about, in milliseconds. */
const EVERY_MS = 60_000;

/**
 * Looks, until the signal is aborted, for what has become too old, too often or too many.
 *
 * By a clock of its own in each worker, and not as a job of a queue: a queue that has died
 * is one of the things to be seen. Whoever is first in a minute looks for all.
 */
export async function keepWatch(
  parts: WatchParts,
  signal: AbortSignal,
  everyMs: number = EVERY_MS,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await lookOnce(parts, everyMs * 0.75);
    } catch (error) {
      parts.log.warn({ event: 'watch.failed', err: error });
    }
    const pauseMs = everyMs * (0.75 + Math.random() / 2);
    await wait(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

/**
 * Looks once, unless somebody has within `atMostEveryMs`. All of it is one transaction,
 * under the lock of the row that says so: two never look at the same time. Answers with
 * what was written down; null where somebody else has looked.
 */
export async function lookOnce(
  { config, db, log, clock }: WatchParts,
  atMostEveryMs: number,
): Promise<readonly Step[] | null> {
  const now = clock();
  const done = await inTransaction(db, async (tx) => {
    if (!(await takeTurn(tx, atMostEveryMs))) return null;
    const steps: Step[] = [];
    for (const step of await judge(tx, config.connections, now)) {
      if (await carryOut(tx, step, now)) steps.push(step);
    }
    return steps;
  });
  if (done === null) return null;
  for (const step of done) logStep(log, step);
  const sinks = await forgetAbandonedSinks(db);
  if (sinks.length > 0) log.warn({ event: 'sink.given_up', sinks });
  return done;
}

/** Held to the end of the transaction. */
async function takeTurn(tx: Tx, atMostEveryMs: number): Promise<boolean> {
  const taken = await sql`
    insert into watch (last_at) values (clock_timestamp())
    on conflict (one) do update set last_at = excluded.last_at
      where watch.last_at <= clock_timestamp() - make_interval(secs => ${atMostEveryMs / 1_000})`.execute(
    tx,
  );
  return Number(taken.numAffectedRows ?? 0) > 0;
}

async function judge(
  tx: Tx,
  connections: Config['connections'],
  now: EpochMs,
): Promise<readonly Step[]> {
  const open = await readOpen(tx);
  const steps: Step[] = [];
  const note = (event: NotificationEvent, id: ConnectionId, judgement: Judgement): void => {
    const same = open.filter((one) => one.event === event && one.connectionId === id);
    steps.push(...nextSteps(judgement, same));
  };
  for (const seen of await readSweeps(tx, connections, now)) {
    note('sweep.stale', seen.connectionId, judgeStale(seen, now));
    note('directory.failing', seen.connectionId, judgeDirectory(seen));
    note('sweep.failed', seen.connectionId, judgeFailed(seen));
  }
  for (const seen of await readAdmissions(tx, connections, now)) {
    note('users.spike', seen.connectionId, judgeAdmissions(seen, now));
  }
  for (const seen of await readRefusals(tx, connections, now)) {
    note('sign_in.refusals_spike', seen.connectionId, judgeRefusals(seen));
  }
  for (const seen of await readScim(tx, connections)) {
    note('scim.failing', seen.connectionId, judgeScim(seen));
  }
  for (const seen of await readScimHours(tx, connections, now)) {
    note('scim.refusals_spike', seen.connectionId, judgeScimRefusals(seen, now));
    note('scim.leavers_spike', seen.connectionId, judgeScimLeavers(seen, now));
  }
  const once = [
    ...(await readKeptAdmins(tx, now)),
    ...(await readEndingTokens(tx, connections, now)),
  ];
  return [...steps, ...once.map((notification) => ({ kind: 'raise' as const, notification }))];
}

/** What was raised and is not over, of the events whose end is told. */
async function readOpen(tx: Tx): Promise<readonly Occasion[]> {
  const ending = EVENT_NAMES.filter((event) => EVENTS[event].ends);
  const { rows } = await sql<{
    event: Notification['event'];
    connection_id: ConnectionId | null;
    about: string;
  }>`
    select event, connection_id, about from notifications raised
     where standing = 'raised' and event = any(${ending}::text[])
       and not exists (
         select from notifications over
          where over.event = raised.event and over.about = raised.about and over.standing = 'resolved'
            and coalesce(over.connection_id, '') = coalesce(raised.connection_id, ''))`.execute(tx);
  return rows.map(({ connection_id, ...row }) => ({ ...row, connectionId: connection_id }));
}

function carryOut(tx: Tx, step: Step, now: EpochMs): Promise<boolean> {
  return step.kind === 'raise'
    ? raise(tx, step.notification, now)
    : resolve(tx, step.occasion, now);
}

function logStep(log: Log, step: Step): void {
  const { event, connectionId, about } = step.kind === 'raise' ? step.notification : step.occasion;
  const standing = step.kind === 'raise' ? 'raised' : 'resolved';
  log.info({ event: 'watch.seen', notification: event, connection: connectionId, about, standing });
}
