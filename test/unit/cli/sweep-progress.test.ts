import { withProgress } from '@rollcall/cli/compose/sweep-progress';
import { sayProgress } from '@rollcall/cli/render/sweep-progress';
import { openTerminal } from '@rollcall/cli/terminal';
import { toConnectionId } from '@rollcall/shared/core/ids';
import { expect, it } from 'vitest';

it.each([
  [null, {}, ''],
  ['listing', {}, 'Listing'],
  ['listing', { pages: 12, rows: 2_400 }, 'Listing: 12 pages, 2,400 people'],
  ['listing', { pages: 1, rows: 1 }, 'Listing: 1 page, 1 person'],
  ['undoing', { lines: 1_200, of_lines: 10_000 }, 'Taking back: 1,200 of 10,000 lines (12 %)'],
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

it('tells programs on standard error, a JSON document a line, and goes on where it cannot be read', async () => {
  const lines: string[] = [];
  let told: () => void = () => undefined;
  const twice = new Promise<void>((resolve) => {
    told = resolve;
  });
  const write = (text: string) => {
    lines.push(text);
    if (lines.length === 2) told();
  };
  const result: string[] = [];
  const terminal = openTerminal({ write: (text) => result.push(text) }, { write }, {});
  const seen = [{ pages: 1, rows: 200 }, null, { pages: 2, rows: 400 }];
  const source = {
    connectionId: toConnectionId('acme'),
    read: async () => {
      const progress = seen.shift();
      if (progress === null) throw new Error('the database is away');
      return progress === undefined ? null : { step: 'listing' as const, progress };
    },
  };
  expect(await withProgress(source, { json: true, terminal }, () => twice.then(() => 7))).toBe(7);
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { progress: { connection: 'acme', step: 'listing', pages: 1, rows: 200 } },
    { progress: { connection: 'acme', step: 'listing', pages: 2, rows: 400 } },
  ]);
  expect(lines.every((line) => line.endsWith('\n'))).toBe(true);
  expect(result).toEqual([]);
});
