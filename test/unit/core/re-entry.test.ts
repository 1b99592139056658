import { CAUSES, OWNERS } from '@rollcall/shared/core/lifecycle';
import { decideReEntry } from '@rollcall/shared/core/re-entry';
import { toEpochMs } from '@rollcall/shared/core/time';
import { expect, it } from 'vitest';

const END = toEpochMs(1_000_000);
const TIMES = { older: toEpochMs(END - 1), equal: END, newer: toEpochMs(END + 1) };
const NAMES = ['older', 'equal', 'newer'] as const;

/** Every combination, told in words, with what it comes to. */
function everyCase(stateReason = 'absent'): Record<string, string> {
  const table: Record<string, string> = {};
  for (const cause of CAUSES)
    for (const owner of OWNERS)
      for (const vouching of ['directory', 'assertion'] as const)
        for (const issued of NAMES)
          for (const authenticated of NAMES)
            for (const begun of [...NAMES, 'never'] as const) {
              const evidence = {
                vouching,
                issuedAt: TIMES[issued],
                authenticatedAt: TIMES[authenticated],
                begunAt: begun === 'never' ? null : TIMES[begun],
              };
              const user = { cause, owner, stateChangedAt: END, stateReason };
              const name = `${cause} ${owner} ${vouching} ${issued} ${authenticated} ${begun}`;
              table[name] = decideReEntry(user, evidence);
            }
  return table;
}

it('restores in one of 648 cases', () => {
  const table = everyCase();
  expect(Object.keys(table)).toHaveLength(648);
  const restored = Object.keys(table).filter((name) => table[name] === 'restored');
  expect(restored).toEqual(['sweep roll assertion newer newer newer']);
});

it('restores whom silence has ended by a sign-in of after it, whether or not a directory lists them', () => {
  const table = everyCase('silent');
  const restored = Object.keys(table).filter((name) => table[name] === 'restored');
  expect(restored).toEqual([
    'sweep roll directory newer newer newer',
    'sweep roll assertion newer newer newer',
  ]);
});

it('says that the assertion is too old only where a newer one would do', () => {
  const table = everyCase();
  const tooOld = Object.keys(table).filter((name) => table[name] === 'assertion_too_old');
  expect(tooOld).toHaveLength(35);
  for (const name of tooOld) expect(name).toMatch(/^sweep roll assertion /);
});

it('takes somebody who is not deactivated for nobody who comes back', () => {
  const user = {
    cause: null,
    owner: 'roll' as const,
    stateChangedAt: END,
    stateReason: 'signed_in',
  };
  const at = TIMES.newer;
  const evidence = {
    vouching: 'assertion' as const,
    issuedAt: at,
    authenticatedAt: at,
    begunAt: at,
  };
  expect(decideReEntry(user, evidence)).toBe('deactivated');
});
