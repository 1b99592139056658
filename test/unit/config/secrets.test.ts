import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  resolveSecret,
  resolveSecrets,
  resolveServerUrl,
  resolveSessionKeys,
  type SecretReference,
} from '@rollcall/shared/config/secrets';
import { AppError } from '@rollcall/shared/core/errors';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const KEY = { kind: 'env', name: 'KEY' } as const;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-secrets-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Everything an error could show, down its chain of causes. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const detail = error instanceof AppError ? JSON.stringify(error.detail) : '';
  return [error.message, error.stack, detail, textOf(error.cause)].join('\n');
}

async function failureOf(attempt: Promise<unknown>): Promise<AppError> {
  const error = await attempt.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AppError);
  return error as AppError;
}

async function secretFile(name: string, content: string | Uint8Array): Promise<SecretReference> {
  const path = join(folder, name);
  await writeFile(path, content);
  return { kind: 'file', path };
}

describe('secret references', () => {
  it('reads from the environment and from files, without the last line break', async () => {
    const file = await secretFile('token', ' a b \r\n');
    expect(await resolveSecrets([KEY, file], { KEY: 'one\ntwo\n' })).toEqual(['one\ntwo', ' a b ']);
  });

  it('reads a file again each time', async () => {
    const file = await secretFile('rotated', 'old');
    expect(await resolveSecret(file, {})).toBe('old');
    await secretFile('rotated', 'new');
    expect(await resolveSecret(file, {})).toBe('new');
  });

  it.each([
    [
      {},
      'config.secret_missing',
      'The secret env:KEY is missing: the environment variable is not set.',
    ],
    [{ KEY: '' }, 'config.secret_empty', 'The secret env:KEY is empty.'],
    [{ KEY: ' \n' }, 'config.secret_empty', 'The secret env:KEY is empty.'],
  ])('refuses environment %j', async (env, code, message) => {
    expect(await failureOf(resolveSecret(KEY, env))).toMatchObject({ code, message });
  });

  it('does not take inherited properties for variables', async () => {
    const error = await failureOf(resolveSecret({ kind: 'env', name: 'constructor' }, {}));
    expect(error.code).toBe('config.secret_missing');
  });

  it('says why a file cannot be used', async () => {
    const missing = { kind: 'file', path: join(folder, 'missing') } as const;
    expect(await failureOf(resolveSecret(missing, {}))).toMatchObject({
      code: 'config.secret_unreadable',
      message: `The secret file:${missing.path} cannot be read: there is no such file.`,
    });
    await mkdir(join(folder, 'directory'));
    const directory = { kind: 'file', path: join(folder, 'directory') } as const;
    expect((await failureOf(resolveSecret(directory, {}))).message).toContain('it is a directory');
    await symlink(join(folder, 'loop'), join(folder, 'loop'));
    const loop = { kind: 'file', path: join(folder, 'loop') } as const;
    expect((await failureOf(resolveSecret(loop, {}))).message).toContain('go in circles');
    const device = { kind: 'file', path: '/dev/zero' } as const;
    expect((await failureOf(resolveSecret(device, {}))).message).toContain('not a regular file');
    const huge = await secretFile('huge', 'x'.repeat(64 * 1024 + 1));
    expect((await failureOf(resolveSecret(huge, {}))).message).toContain('larger than 65536 bytes');
    const binary = await secretFile('binary', new Uint8Array([0xff, 0xfe, 0x00]));
    expect((await failureOf(resolveSecret(binary, {}))).message).toContain('not UTF-8');
    const empty = await secretFile('empty', '\n');
    expect((await failureOf(resolveSecret(empty, {}))).code).toBe('config.secret_empty');
  });

  it('accepts session keys from 32 characters and refuses shorter ones', async () => {
    expect(await resolveSessionKeys([KEY], { KEY: 'k'.repeat(32) })).toEqual(['k'.repeat(32)]);
    const error = await failureOf(resolveSessionKeys([KEY], { KEY: 'k'.repeat(31) }));
    expect(error.code).toBe('config.secret_too_short');
    expect(error.message).toBe(
      'The session key env:KEY is too short: expected at least 32 characters.',
    );
  });

  it('resolves server URLs, and refuses a secret that is none', async () => {
    const plain = { kind: 'plain', value: 'postgres://db.example/rollcall' } as const;
    expect(await resolveServerUrl('postgres', plain, {})).toBe(plain.value);
    const url = 'postgres://rollcall:pw@db.example/rollcall';
    expect(await resolveServerUrl('postgres', KEY, { KEY: url })).toBe(url);
    const error = await failureOf(resolveServerUrl('redis', KEY, { KEY: url }));
    expect(error.code).toBe('config.secret_not_a_url');
    expect(textOf(error)).not.toContain('pw@');
  });

  it('never shows a value in an error', async () => {
    const value = fc
      .string({ minLength: 8, maxLength: 31 })
      .filter((text) => text.trim().length >= 8);
    await fc.assert(
      fc.asyncProperty(value, async (secret) => {
        const env = { KEY: secret };
        for (const attempt of [
          resolveSessionKeys([KEY], env),
          resolveServerUrl('redis', KEY, env),
        ]) {
          const text = textOf(await failureOf(attempt)).replaceAll(/\n\s+at .*/g, '');
          const known = 'The session key env:KEY is too short: expected at least 32 characters.';
          fc.pre(!known.includes(secret.trim()));
          expect(text).not.toContain(secret.trim());
        }
      }),
    );
  });
});
