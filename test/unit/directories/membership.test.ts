import { Membership } from '@rollcall/sweeper/directories/membership';
import { expect, it } from 'vitest';

it('knows the groups of each person', () => {
  const membership = new Membership();
  for (const id of ['ada', 'grace', 'alan']) membership.add(id, 'analysts');
  for (const id of ['ada', 'grace']) membership.add(id, 'admins');
  membership.add('ada', 'analysts');
  expect(membership.groupsOf('ada')).toEqual(['analysts', 'admins']);
  expect(membership.groupsOf('alan')).toEqual(['analysts']);
  expect(membership.groupsOf('hedy')).toEqual([]);
});

it('keeps one list for people with the same groups', () => {
  const membership = new Membership();
  for (const id of ['ada', 'grace']) membership.add(id, 'analysts');
  for (const id of ['ada', 'grace']) membership.add(id, 'admins');
  expect(membership.groupsOf('ada')).toBe(membership.groupsOf('grace'));
});
