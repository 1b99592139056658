import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '@rollcall/shared/config/issues';
import { loadConfig, parseConfig } from '@rollcall/shared/config/load';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-files-'));
});
afterAll(() => rm(folder, { recursive: true }));

function linesOf(text: string): string[] {
  try {
    parseConfig(text, { file: 'rollcall.yaml', env: {}, baseDir: '/' });
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}

async function refusalOf(path: string): Promise<ConfigError> {
  const error = await loadConfig(path, {}).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ConfigError);
  return error as ConfigError;
}

const BOMB = ['a: &a [x, x, x, x, x, x, x, x]', 'b: &b [*a, *a, *a, *a, *a, *a, *a, *a]']
  .concat('c: &c [*b, *b, *b, *b, *b, *b, *b, *b]', 'd: [*c, *c, *c, *c, *c, *c, *c, *c]')
  .join('\n');
const MANY = `a: &a x\nb: [${Array.from({ length: 51 }, () => '*a').join(', ')}]`;

describe('a text that is no usable YAML', () => {
  it.each([
    ['', ['rollcall.yaml:1:1  the file is empty: expected at least "version: 1"']],
    [
      '# only a comment\n',
      ['rollcall.yaml:1:1  the file is empty: expected at least "version: 1"'],
    ],
    ['~', ['rollcall.yaml:1:1  the file is empty: expected at least "version: 1"']],
    ['just text', ['rollcall.yaml:1:1  expected a mapping, received text']],
    ['- version: 1', ['rollcall.yaml:1:1  expected a mapping, received a list']],
    ['version: 1\nversion: 1', ['rollcall.yaml:2:1  the key "version" is given twice']],
    ['version: 1\n\tlisten: x', ['rollcall.yaml:2:1  is indented with a tab: use spaces']],
    [
      'version: 1\nlisten: "abc',
      [
        'rollcall.yaml:2:13  is not valid YAML here: look for a missing colon, quote, bracket or space',
      ],
    ],
    [
      'version: 1\n---\nversion: 1',
      ['rollcall.yaml:2:1  expected one document: "---" begins a second one'],
    ],
    [
      'listen: !!js/function "x"',
      ['rollcall.yaml:1:9  uses a YAML tag (!name), which is not supported: write plain values'],
    ],
    [
      'listen: *nowhere',
      ['rollcall.yaml:1:9  uses an alias (*name) for which no anchor (&name) comes before it'],
    ],
    [
      'version: 1\n3000: x',
      ['rollcall.yaml:2:1  expected every key to be a plain name (quote it where it is a number)'],
    ],
    [
      '{ [secret]: x }',
      ['rollcall.yaml:1:3  expected every key to be a plain name (quote it where it is a number)'],
    ],
    ['__proto__: { version: 1 }', ['rollcall.yaml:1:1  the key "__proto__" is not allowed']],
    [MANY, ['rollcall.yaml:2:205  expected at most 50 aliases in the file']],
    [BOMB, ['rollcall.yaml:1:1  is nested too deeply or repeats itself too often through aliases']],
  ])('%j', (text, expected) => {
    expect(linesOf(text)).toEqual(expected);
  });

  it('is refused where it is nested beyond reason, without a crash', () => {
    const [line, ...more] = linesOf(`a: ${'['.repeat(200_000)}`);
    expect(line).toMatch(/^rollcall\.yaml:1:\d+ {2}is nested too deeply/);
    expect(more.length).toBeLessThan(5);
  });

  it('is refused where it refers to itself', () => {
    expect(linesOf('version: 1\nnotify: &a [*a]').length).toBeGreaterThan(0);
  });

  it('gives no prototype away', () => {
    linesOf('roles: [{ __proto__: { polluted: true } }]');
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });
});

describe('a file that cannot be read', () => {
  it('is named with its reason', async () => {
    await mkdir(join(folder, 'folder.yaml'));
    await writeFile(join(folder, 'latin1.yaml'), new Uint8Array([0x61, 0x3a, 0x20, 0xe9]));
    await writeFile(join(folder, 'large.yaml'), `# ${'x'.repeat(1024 * 1024)}`);
    execFileSync('mkfifo', [join(folder, 'pipe.yaml')]);
    const cases = {
      'missing.yaml': ['config.unreadable', 'there is no such file'],
      'folder.yaml': ['config.unreadable', 'it is a directory'],
      'latin1.yaml': ['config.unreadable', 'it is not UTF-8 text'],
      'pipe.yaml': ['config.unreadable', 'it is not a regular file'],
      'large.yaml': ['config.too_large', 'it is larger than 1048576 bytes'],
    };
    for (const [name, [code, why]] of Object.entries(cases)) {
      const path = join(folder, name);
      const error = await refusalOf(path);
      expect(error.message).toBe(`${path}  the configuration cannot be read: ${why}`);
      expect(error.code).toBe('config.invalid');
      expect(error.issues.map((issue) => issue.code)).toEqual([code]);
    }
  });

  it('is refused as a text as well, where that is too large', () => {
    expect(linesOf(`# ${'x'.repeat(1024 * 1024)}`)).toEqual([
      'rollcall.yaml  the configuration is larger than 1048576 bytes',
    ]);
  });
});
