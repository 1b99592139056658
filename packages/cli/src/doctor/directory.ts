import { resolveSecret } from '@rollcall/shared/config/secrets';
import type { ConnectionConfig } from '@rollcall/shared/config/types';
import { toDirectoryId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database } from '@rollcall/shared/db/database';
import { fromTimestamp } from '@rollcall/shared/db/timestamp';
import { openDirectory } from '@rollcall/sweeper/directories/open-directory';
import type { Directory } from '@rollcall/sweeper/directories/port';
import { sayDuration, sayWhen } from '../render/when.ts';
import { type Finding, ok, PATIENCE_MS, wrong } from './finding.ts';
import type { Patient } from './patient.ts';

/** Nobody's id: whoever may look people up is told that there is no such person. */
const NOBODY = toDirectoryId('rollcall-doctor-nobody');
/** A sweep may be late by so many of its intervals, and by so much, in milliseconds. */
const LATE_INTERVALS = 3;
const LATE_MS = 10 * 60_000;

/** Whether the directory lets us in and lets us look people up: two cheap questions. */
export async function examineDirectory(
  connection: ConnectionConfig,
  { env, advice }: Patient,
): Promise<readonly Finding[]> {
  const directory = openDirectory(connection.directory, (reference) =>
    resolveSecret(reference, env),
  );
  if (directory === null) {
    return [ok('directory', 'none: nobody can be asked who still exists')];
  }
  return askDirectory(directory, (code) => advice.of(code, connection.preset));
}

/** Asks a directory who we are there, and for somebody who is not there. Throws `DirectoryError`. */
export async function askDirectory(
  directory: Directory,
  adviceOn: (code: string) => string | null,
): Promise<readonly Finding[]> {
  const signal = AbortSignal.timeout(PATIENCE_MS - 1_000);
  await directory.fingerprint(signal);
  if (!directory.capabilities.lookUp) return readListing(directory, signal);
  const answer = await directory.lookUp(NOBODY, signal);
  if (answer.standing !== 'unknown') {
    return [ok('directory', `${directory.type} lets us look people up`)];
  }
  const code = 'doctor.look_up_refused';
  const message = `${directory.type}: expected to be told that there is no such person, received ${answer.because ?? 'no answer'}`;
  const cure = adviceOn(code) ?? 'Give the account the right to read users.';
  return [wrong('fault', 'directory', { code, message, cure })];
}

/** What answers no look-ups is read instead: whatever is wrong with it is thrown. */
async function readListing(directory: Directory, signal: AbortSignal): Promise<readonly Finding[]> {
  let people = 0;
  for await (const page of directory.list(signal)) people += page.members.length;
  return [ok('directory', `${directory.type} lists ${people} people; it answers no look-ups`)];
}

/** When the roll was last called in full, and how the last attempt ended. */
export async function examineSweeps(
  { id, sweep }: ConnectionConfig,
  db: Database,
  now: EpochMs,
): Promise<readonly Finding[]> {
  if (sweep === null) return [ok('sweep', 'never: the configuration has none')];
  const runs = db.selectFrom('sweep_runs').where('connection_id', '=', id);
  const [good, last] = await Promise.all([
    runs
      .select('started_at')
      .where('snapshot_kind', '=', 'complete')
      .where('state', 'in', ['planned', 'held', 'applying', 'applied'])
      .orderBy('started_at', 'desc')
      .executeTakeFirst(),
    runs
      .select(['state', 'code', 'explanation', 'started_at'])
      .where('finished_at', 'is not', null)
      .orderBy('started_at', 'desc')
      .executeTakeFirst(),
  ]);
  const lastGood = good === undefined ? null : fromTimestamp(good.started_at);
  const failed = last !== undefined && ['incomplete', 'failed'].includes(last.state);
  const failure = failed ? [judgeFailure(last, fromTimestamp(last.started_at), now)] : [];
  return [judgeSweep(lastGood, sweep.everyMs, now), ...failure];
}

/** Leavers keep their access for as long as nobody calls the roll. */
export function judgeSweep(lastGood: EpochMs | null, everyMs: number, now: EpochMs): Finding {
  const cure =
    'Start a worker (rollcall start, or --role worker), and see `rollcall sweep history`.';
  if (lastGood === null) {
    const message = 'there has been no whole listing yet: nobody who left has been noticed';
    return wrong('warning', 'sweep', { code: 'doctor.never_swept', message, cure });
  }
  const age = now - lastGood;
  const said = `the last whole listing ${sayWhen(lastGood, now)}`;
  if (age <= Math.max(LATE_INTERVALS * everyMs, LATE_MS)) return ok('sweep', said);
  const message = `${said}: expected one every ${sayDuration(everyMs)}, received none for ${sayDuration(age)}`;
  return wrong('fault', 'sweep', { code: 'doctor.sweep_stale', message, cure });
}

function judgeFailure(
  run: { readonly code: string | null; readonly explanation: string | null },
  at: EpochMs,
  now: EpochMs,
): Finding {
  return wrong('warning', 'sweep', {
    code: run.code ?? 'sweep.failed',
    message: `the last run, ${sayWhen(at, now)}, proved nothing: ${run.explanation ?? 'it broke off'}`,
    cure: 'Nobody lost access for it. `rollcall sweep history` tells the rest.',
  });
}
