import { sayProgress } from '@rollcall/cli/render/sweep-progress';
import { openTerminal } from '@rollcall/cli/terminal';
import { expect, it } from 'vitest';

it.each([
  [null, {}, ''],
  ['listing', {}, 'Listing'],
  ['listing', { pages: 12, rows: 2_400 }, 'Listing: 12 pages, 2,400 people'],
  ['looking_up', { looked_up: 3 }, 'Looking up who is missing: 3 asked for'],
  ['deciding', { people: 1_500, of_people: 6_000 }, 'Deciding: 1,500 of 6,000 people (25 %)'],
  ['applying', { lines: 9_999, of_lines: 10_000 }, 'Applying: 9,999 of 10,000 lines (99 %)'],
  ['applying', { lines: 0, of_lines: 0 }, 'Applying: 0 of 0 lines (100 %)'],
] as const)('says where a run stands: %s %j', (step, progress, line) => {
  expect(sayProgress({ step, progress })).toBe(line);
});

it('updates one line of a terminal, cut to its width, and none of anything else', () => {
  const silent = { write: () => true };
  const written: string[] = [];
  const write = (text: string) => written.push(text);
  const terminal = openTerminal(silent, { isTTY: true, columns: 10, write }, {});
  terminal.updates?.('Listing: 12 pages');
  terminal.updates?.('');
  expect(written).toEqual(['\r\u001b[2KListing: ', '\r\u001b[2K']);
  expect(openTerminal(silent, { write }, {}).updates).toBeNull();
  expect(openTerminal(silent, { isTTY: true, write }, { TERM: 'dumb' }).updates).toBeNull();
});
