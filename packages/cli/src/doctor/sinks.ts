import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database } from '@rollcall/shared/db/database';
import { fromTimestamp } from '@rollcall/shared/db/timestamp';
import { readSinks, type SinkBacklog } from '@rollcall/shared/notify/waiting';
import { readBacklogs, type TargetBacklog } from '@rollcall/shared/outbox/waiting';
import { targetName } from '@rollcall/shared/webhook/webhook-targets';
import { sayDuration, sayWhen } from '../render/when.ts';
import { type Finding, ok, wrong } from './finding.ts';
import type { Patient } from './patient.ts';

/** Workers look every minute: so long without one, and none is alive, in milliseconds. */
const SILENT_MS = 5 * 60_000;

/** Whether those who are to be told take what they are told, and whether anybody tells them. */
export async function examineSinks(
  db: Database,
  { config, clock }: Pick<Patient, 'config' | 'clock'>,
): Promise<readonly Finding[]> {
  const names = new Set(config.notify.map(({ name }) => name));
  const targets = new Set(config.targets.map(targetName));
  const sinks = (await readSinks(db)).filter(({ name }) => names.has(name));
  const served = (await readBacklogs(db)).filter(({ name }) => targets.has(name));
  return [
    ...(await examineWatch(db, clock())),
    ...sinks.map((sink) => judge('notify', `notify:${sink.name}`, sink, sink.error, clock())),
    ...served.map((target) => judge('targets', target.name, target, null, clock())),
  ];
}

function judge(
  check: string,
  name: string,
  { waiting, parked, gone, oldestAt }: SinkBacklog | TargetBacklog,
  error: string | null,
  now: EpochMs,
): Finding {
  const replay = `See docs/errors.md, try it with \`rollcall notify test\`, then \`rollcall targets replay ${name}\`.`;
  if (gone !== null) {
    const message = `${name} wants nothing any more since ${sayWhen(gone.at, now)}: ${gone.why}`;
    return wrong('fault', check, { code: 'doctor.not_told', message, cure: replay });
  }
  const late = oldestAt !== null && now - oldestAt > SILENT_MS;
  if (parked === 0 && !late) return ok(check, `${name} takes what it is told`);
  const why = error === null ? '' : `: ${error}`;
  const message = `${name} has not taken ${waiting}, ${parked} of them given up${why}`;
  return wrong('fault', check, { code: 'doctor.not_told', message, cure: replay });
}

/** While no worker lives nobody is swept, and nobody is told that nobody is. */
async function examineWatch(db: Database, now: EpochMs): Promise<readonly Finding[]> {
  const row = await db.selectFrom('watch').select('last_at').executeTakeFirst();
  // None has ever run: `doctor.not_scheduled` and `doctor.never_swept` say what is to be said.
  if (row === undefined) return [];
  const age = now - fromTimestamp(row.last_at);
  if (age <= SILENT_MS) return [ok('worker', `the last sign of one ${sayDuration(age)} ago`)];
  const message = `expected a sign of a worker every minute, received none for ${sayDuration(age)}`;
  const cure = 'rollcall start (or start --role worker), and see its log.';
  return [wrong('fault', 'worker', { code: 'doctor.no_worker', message, cure })];
}
