import { describe, expect, test } from 'vitest';
import { readCommandLine } from '../../../bench/frame/command-line.ts';
import { figure, percent } from '../../../bench/frame/figures.ts';
import { type CpuProfile, sharesOf } from '../../../bench/frame/profile.ts';
import { replaceSection } from '../../../bench/frame/results-file.ts';
import { renderTable } from '../../../bench/frame/table.ts';

describe('the file of results', () => {
  const both = replaceSection(replaceSection('', 'one', '## one\n\n1'), 'two', '## two\n\n2');

  test('begins with what all sections have in common, once', () => {
    expect(both.match(/^# /gm)).toHaveLength(1);
    expect(both.indexOf('1')).toBeLessThan(both.indexOf('## two'));
  });

  test('a run of one entry leaves the others to the byte', () => {
    const after = replaceSection(both, 'one', '## one\n\n### more\n\n$& 3');
    expect(after).toBe(both.replace('\n1\n', () => '\n### more\n\n$& 3\n'));
  });

  test('the same run twice changes nothing', () => {
    expect(replaceSection(both, 'two', '## two\n\n2')).toBe(both);
  });

  test('refuses a file whose marks are broken', () => {
    expect(() => replaceSection('<!-- begin one -->', 'one', '')).toThrow('both marks');
    expect(() => replaceSection('<!-- end one --><!-- begin one -->', 'one', '')).toThrow(
      'both marks',
    );
  });
});

describe('the command line', () => {
  const known = ['sign-in', 'hostile-body'];

  test('no name is all of them, in full', () => {
    expect(readCommandLine([], known)).toEqual({
      kind: 'run',
      names: known,
      pace: 'full',
      sizes: null,
      extent: { seeds: null, processes: null },
    });
    expect(readCommandLine(['--sizes=500,10k,1m'], known)).toMatchObject({
      sizes: [500, 10_000, 1_000_000],
    });
    for (const sizes of ['', '0', '10x', '1k,', '-5']) {
      expect(readCommandLine([`--sizes=${sizes}`], known)).toMatchObject({ kind: 'wrong' });
    }
  });

  test('names run once each, in the order of the registry', () => {
    expect(readCommandLine(['hostile-body', '--quick', 'sign-in', 'sign-in'], known)).toEqual({
      kind: 'run',
      names: known,
      pace: 'quick',
      sizes: null,
      extent: { seeds: null, processes: null },
    });
  });

  test('of a campaign, which seeds and in how many processes', () => {
    expect(readCommandLine(['--seeds=20-70', '--processes=3'], known)).toMatchObject({
      extent: { seeds: [20, 70], processes: 3 },
    });
    for (const flag of ['--seeds=7', '--seeds=7-3', '--seeds=0-9', '--seeds=', '--processes=0']) {
      expect(readCommandLine([flag], known)).toMatchObject({ kind: 'wrong' });
    }
  });

  test('what it does not know, it says', () => {
    expect(readCommandLine(['sign'], known)).toEqual({
      kind: 'wrong',
      message: 'Expected one of sign-in, hostile-body, received sign.',
    });
    expect(readCommandLine(['--fast'], known)).toMatchObject({ kind: 'wrong' });
  });

  test('asks for help before anything runs', () => {
    expect(readCommandLine(['sign-in', '--help'], known)).toEqual({ kind: 'help' });
  });
});

describe('figures', () => {
  test.each([
    [0, '0'],
    [0.01234, '0.0123'],
    [0.9999, '1.00'],
    [9.999, '10.0'],
    [123.4, '123'],
    [10_123, '10,100'],
  ])('%d is %s', (value, text) => {
    expect(figure(value)).toBe(text);
  });

  test('a share has a decimal only where it is small', () => {
    expect([0.0512, 0.0999, 0.414].map(percent)).toEqual(['5.1 %', '10 %', '41 %']);
  });

  test('a bar in a cell does not end it', () => {
    expect(renderTable({ head: ['a', 'b'], rows: [['x|y', '1']] })).toBe(
      '| a    |   b |\n| ---- | --: |\n| x\\|y |   1 |',
    );
  });
});

describe('shares of a profile', () => {
  const frame = (functionName: string, url: string) => ({
    functionName,
    url,
    scriptId: '0',
    lineNumber: 0,
    columnNumber: 0,
  });
  const profile: CpuProfile = {
    startTime: 0,
    endTime: 100,
    nodes: [
      { id: 1, callFrame: frame('(root)', ''), children: [2, 3, 7, 8] },
      { id: 2, callFrame: frame('(idle)', '') },
      { id: 3, callFrame: frame('a', 'file:///x/packages/jit-auth/src/a.ts'), children: [4, 6] },
      {
        id: 4,
        callFrame: frame('b', '/x/node_modules/.pnpm/p@1/node_modules/@s/p/b.js'),
        children: [5],
      },
      { id: 5, callFrame: frame('native', '') },
      { id: 6, callFrame: frame('verify', 'node:internal/crypto/sig') },
      { id: 7, callFrame: frame('post', 'node:inspector') },
      { id: 8, callFrame: frame('f', 'wasm://wasm/1') },
    ],
    samples: [2, 3, 4, 5, 6, 7, 8],
    timeDeltas: [10, 20, 30, 10, 5, 900, 25],
  };

  test('native code counts for its caller, the profiler for nobody', () => {
    expect(sharesOf(profile)).toEqual([
      ['@s/p', 0.4],
      ['libxml2-wasm', 0.25],
      ['Rollcall itself', 0.2],
      ['idle: waiting for others', 0.1],
      ['node:crypto', 0.05],
    ]);
  });

  test('a profile without samples has no shares', () => {
    expect(() => sharesOf({ ...profile, samples: [], timeDeltas: [] })).toThrow(RangeError);
  });
});
