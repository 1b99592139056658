import type { Directory } from '@rollcall/sweeper/directories/port';
import { expect } from 'vitest';
import { type House, names, openHouse } from '../sweeper/house.ts';

/** Twenty people of whom four are gone would be a fifth: no sweep may take that for granted. */
export const CROWD = names('p', 20);

/** Twenty people who work here, signed in, with a baseline of them. */
export async function openSettled(people: readonly string[] = CROWD): Promise<House> {
  const house = await openHouse();
  await house.hire([...people]);
  await house.sweep(1);
  return house;
}

/** Everybody has access, a live session and the role that they had. */
export async function expectUntouched(
  house: House,
  people: readonly string[] = CROWD,
): Promise<void> {
  const states = await house.states();
  for (const name of people) {
    expect(['active', 'suspected'], `${name} is ${states[name]}`).toContain(states[name]);
    expect(await house.liveSessions(name), name).toBe(1);
    expect(await house.rolesOf(name), name).toEqual(['analyst']);
  }
}

/**
 * What must follow every fault that is over: whoever has really left goes, and nobody
 * else. Without it a sweep that never does anything would pass.
 */
export async function expectStillSweeps(
  house: House,
  leaver: string,
  minute: number,
  over: Directory = house.directory,
): Promise<void> {
  const more = { directory: over };
  await house.sweep(minute, more);
  await house.sweep(minute + 10, more);
  expect(await house.stateOf(leaver), 'whoever has left goes').toBe('deactivated');
  expect(await house.liveSessions(leaver)).toBe(0);
  const gone = Object.entries(await house.states()).filter(([, state]) => state === 'deactivated');
  expect(gone.map(([name]) => name)).toEqual([leaver]);
}
