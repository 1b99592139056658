import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toConnectionId } from '@rollcall/shared/core/ids';
import { toEpochMs } from '@rollcall/shared/core/time';
import { overPool } from '@rollcall/shared/db/database';
import { refusalsOf } from '@rollcall/shared/db/sign-in-refusals';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { emptyDatabase, type FreshDatabase, freshDatabase } from '../../setup/database.ts';
import { until } from '../../support/service.ts';
import { ADA } from '../../support/stack.ts';
import { askIdp, Visitor } from '../../support/visitor.ts';
import { type ConfiguredFolder, configure } from '../start/configured.ts';
import { findFreePort } from '../start/free-port.ts';
import { makeFolder, rollcall, rollcallJson, start } from './rollcall.ts';

interface Finding {
  readonly connection: string | null;
  readonly check: string;
  readonly verdict: 'ok' | 'warning' | 'fault';
  readonly message: string;
  readonly code: string | null;
  readonly cure: string | null;
}

interface Answer {
  readonly ok: boolean;
  readonly faults: number;
  readonly findings: readonly Finding[];
}

vi.setConfig({ testTimeout: 120_000 });

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

async function examine(folder: ConfiguredFolder, ...args: string[]): Promise<Answer> {
  const { code, answer } = await rollcallJson(['doctor', ...args], folder);
  const told = answer as Answer;
  expect(code).toBe(told.faults === 0 ? 0 : 1);
  for (const finding of told.findings) {
    // Whatever is wrong has a code and a cure.
    expect((finding.code === null) === (finding.verdict === 'ok')).toBe(true);
    expect((finding.cure === null) === (finding.verdict === 'ok')).toBe(true);
  }
  return told;
}

function faultsIn({ findings }: Answer): (string | null)[] {
  return findings.filter(({ verdict }) => verdict === 'fault').map(({ code }) => code);
}

function edit(folder: ConfiguredFolder, change: (text: string) => string): void {
  const file = join(folder.cwd, 'rollcall.yaml');
  writeFileSync(file, change(readFileSync(file, 'utf8')));
}

describe('doctor on a service that works', () => {
  it('finds no fault, tells the last sign-in, and explains a refusal by its reference', async () => {
    const folder = await configure(makeFolder(), { databaseUrl: database.url });
    chmodSync(join(folder.cwd, 'secrets/token'), 0o600);
    const service = await start([], folder);
    const base = `${service.url}/saml/acme`;
    const visitor = new Visitor();
    const { action, fields } = await askIdp(visitor, `${base}/login`, ADA);
    expect((await visitor.post(action, fields)).status).toBe(200);
    const refused = await visitor.postOnce(action, new URLSearchParams(fields));
    const reference = /data-testid="reference">([^<]*)</.exec(refused.text)?.[1] ?? '';
    const db = overPool(database.pool);
    await until('the record to be written', 15_000, async () => {
      const [written] = await refusalsOf(db, toConnectionId('acme'), toEpochMs(0));
      return written !== undefined;
    });
    await until('the first listing', 30_000, async () => {
      const done = await database.pool.query(
        "select 1 from sweep_runs where snapshot_kind = 'complete' and finished_at is not null",
      );
      return done.rowCount;
    });

    const answer = await examine(folder);
    expect(answer.findings.filter(({ verdict }) => verdict !== 'ok')).toEqual([
      expect.objectContaining({ check: 'refusals', code: 'saml.request_unknown' }),
    ]);
    const said = answer.findings.map(({ check, message }) => `${check}: ${message}`).join('\n');
    expect(said).toMatch(/^secrets: 3 readable$/m);
    expect(said).toMatch(/^database: PostgreSQL \d+/m);
    expect(said).toMatch(/^copy: a copy of \d\d:\d\d:\d\d is kept$/m);
    expect(said).toMatch(/^queue: Postgres answers$/m);
    expect(said).toMatch(/^address: http:\/\/127\.0\.0\.1:\d+\/saml\/acme\/acs is ours$/m);
    expect(said).toMatch(/^directory: scim lets us look people up$/m);
    expect(said).toMatch(/^sweep: the last whole listing \d\d:\d\d:\d\d$/m);
    expect(said).toMatch(/^sign-ins: the last one \d\d:\d\d:\d\d$/m);
    expect(said).toMatch(/^clock: at 1 sign-ins ours was/m);

    const shown = await rollcall(['doctor', 'acme'], folder);
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toMatch(/! refusals +saml\.request_unknown once, the last .*expected/);
    expect(shown.stdout).toMatch(/→ RelayState is missing/);
    expect(shown.stdout).toMatch(/1 warning\n$/);

    // The service goes on with its copy, and the doctor says since when.
    await database.pool.query(
      "update identity_providers set failures = 3, failed_at = now(), failure_code = 'saml.metadata_unreachable', failure = 'no answer'",
    );
    expect((await examine(folder)).findings).toContainEqual(
      expect.objectContaining({
        check: 'copy',
        verdict: 'warning',
        code: 'saml.metadata_unreachable',
        message: expect.stringMatching(/^a copy of .* since then 3 fetches .*: no answer$/),
      }),
    );

    const typed = reference.toLowerCase().replace('-', '');
    expect(await rollcallJson(['doctor', typed], folder)).toMatchObject({
      code: 0,
      answer: {
        reference,
        connection: 'acme',
        code: 'saml.request_unknown',
        received: 'unknown, used or expired',
        cure: expect.stringContaining('RelayState'),
      },
    });
    expect((await rollcall(['doctor', 'ZZZZ-ZZZZZZ'], folder)).stderr).toContain(
      '(doctor.unknown_reference)',
    );
    expect((await rollcall(['doctor', 'nobody'], folder)).stderr).toContain(
      '(doctor.unknown_name)',
    );
    for (const secret of [folder.idp.scimToken, database.url, folder.env.ACME_KEY ?? '?']) {
      expect(`${shown.stdout}${said}`).not.toContain(secret);
    }
  });
});

describe('doctor on what is broken', () => {
  it('goes on without a database, and without a service', async () => {
    const port = await findFreePort();
    const databaseUrl = `postgres://nobody@127.0.0.1:${port}/none`;
    const folder = await configure(makeFolder(), { databaseUrl });
    const answer = await examine(folder);
    expect(faultsIn(answer).sort()).toEqual([
      'database.unreachable',
      'doctor.public_url_unreachable',
      'doctor.public_url_unreachable',
    ]);
    for (const check of ['secrets', 'metadata', 'certificate', 'directory']) {
      expect(answer.findings).toContainEqual(expect.objectContaining({ check, verdict: 'ok' }));
    }
  });

  it('says that Redis is away, and looks at the rest', async () => {
    const port = await findFreePort();
    const more = `redis: { url: 'redis://127.0.0.1:${port}/1' }`;
    const folder = await configure(makeFolder(), { databaseUrl: database.url, more });
    const answer = await examine(folder, 'acme');
    expect(faultsIn(answer)).toContain('redis.unreachable');
    expect(answer.findings).toContainEqual(
      expect.objectContaining({ check: 'database', verdict: 'ok' }),
    );
    expect(answer.findings).toContainEqual(
      expect.objectContaining({ check: 'directory', verdict: 'ok' }),
    );
  });

  it('says that migrations are pending, and changes nothing', async () => {
    await using empty = await emptyDatabase();
    const folder = await configure(makeFolder(), { databaseUrl: empty.url });
    const answer = await examine(folder);
    const pending = answer.findings.find(({ code }) => code === 'database.migrations_pending');
    expect(pending).toMatchObject({ cure: 'rollcall migrate' });
    const tables = await empty.pool.query(
      "select 1 from pg_tables where schemaname not in ('pg_catalog', 'information_schema')",
    );
    expect(tables.rowCount).toBe(0);
  });

  it('says that the metadata is not there, with the advice of the page', async () => {
    const folder = await configure(makeFolder(), { databaseUrl: database.url });
    edit(folder, (text) => text.replace('/metadata }', '/nowhere }'));
    edit(folder, (text) => text.replace('subject: {', 'preset: keycloak\n    subject: {'));
    const { findings } = await examine(folder);
    expect(findings.find(({ check }) => check === 'metadata')).toMatchObject({
      verdict: 'fault',
      code: 'saml.metadata_unreachable',
      message: expect.stringContaining('status 404'),
      cure: expect.stringContaining('/protocol/saml/descriptor'),
    });
  });

  it.each([
    ['unauthorized_401', 'directory.unauthorized'],
    ['forbidden_403', 'directory.forbidden'],
  ] as const)('says that the directory answers %s', async (fault, code) => {
    const folder = await configure(makeFolder(), { databaseUrl: database.url });
    folder.idp.directory.setFault(fault);
    const found = (await examine(folder)).findings.find(({ check }) => check === 'directory');
    expect([code, 'doctor.look_up_refused']).toContain(found?.code);
    expect(found?.message).toMatch(fault.slice(-3));
  });

  it('says which secret is missing, and which anybody may read', async () => {
    const folder = await configure(makeFolder(), { databaseUrl: database.url });
    chmodSync(join(folder.cwd, 'secrets/token'), 0o644);
    const env = { ACME_DATABASE: database.url };
    const { findings } = await examine({ ...folder, env });
    expect(findings).toContainEqual(
      expect.objectContaining({ verdict: 'fault', code: 'config.secret_missing' }),
    );
    expect(findings).toContainEqual(
      expect.objectContaining({
        verdict: 'warning',
        code: 'doctor.secret_readable_by_others',
        cure: expect.stringMatching(/^chmod o-rwx .*secrets\/token$/),
      }),
    );
  });

  it('shows of a configuration that is not valid what check shows', async () => {
    const folder = await configure(makeFolder(), { databaseUrl: database.url, more: 'sesion: 1' });
    const [checked, examined] = [
      await rollcall(['check'], folder),
      await rollcall(['doctor'], folder),
    ];
    expect(examined).toEqual(checked);
    expect(examined).toMatchObject({ code: 1, stderr: expect.stringContaining('unknown key') });
  });
});
