import { noteOpenDoors } from '@rollcall/jit-auth/connections/open-doors';
import { toConnectionId } from '@rollcall/shared/core/ids';
import { toEpochMs } from '@rollcall/shared/core/time';
import { daysOf, noteDays } from '@rollcall/shared/db/connection-days';
import { addSignIns } from '@rollcall/shared/db/connection-sign-ins';
import { addRefusals } from '@rollcall/shared/db/sign-in-refusals';
import { createLog } from '@rollcall/shared/telemetry/log';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ACME, at, openScene, type Scene, START } from '../access/people.ts';

const SHUT = toConnectionId('shut');
const DAY = 86_400;
const FIRST = START / 86_400_000;

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.drop());

it('writes down the days on which sign-in was possible, and how it went', async () => {
  const { db } = scene;
  const log = createLog('error');
  const doors = [
    { id: ACME, problem: () => null },
    { id: SHUT, problem: () => new Error('no metadata') },
  ];
  const stop = noteOpenDoors(doors, { db, log }, { clock: () => at(0), everyMs: 60_000 });
  await stop();
  expect(await daysOf(db, SHUT, START)).toEqual([]);
  expect(await daysOf(db, ACME, START)).toEqual([{ day: FIRST, accepted: false, refused: 0 }]);

  await addSignIns(db, [{ connectionId: ACME, lastAt: at(DAY + 5), clockOffsetsMs: [0] }]);
  const refused = (code: string, count: number) => ({
    connectionId: ACME,
    code,
    day: '2026-01-03',
    count,
    firstAt: at(2 * DAY),
    lastAt: at(3 * DAY - 1),
    recent: [],
  });
  await addRefusals(db, [refused('saml.signature_invalid', 2), refused('access.deactivated', 9)]);
  await addRefusals(db, [refused('saml.expired', 2)]);
  // Two instances at once, and again: each day once.
  const note = { connectionId: ACME, at: toEpochMs(at(4 * DAY) - 1), accepted: false, refused: 0 };
  await Promise.all([noteDays(db, [note, note]), noteDays(db, [note])]);
  expect(await daysOf(db, ACME, at(DAY))).toEqual([
    { day: FIRST + 1, accepted: true, refused: 0 },
    { day: FIRST + 2, accepted: false, refused: 4 },
    { day: FIRST + 3, accepted: false, refused: 0 },
  ]);
});
