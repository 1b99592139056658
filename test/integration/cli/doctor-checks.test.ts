import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { parseAdvice, readAdvice } from '@rollcall/cli/doctor/advice';
import { differenceOf } from '@rollcall/cli/doctor/clock';
import { askDirectory, judgeSweep } from '@rollcall/cli/doctor/directory';
import { examine } from '@rollcall/cli/doctor/examine';
import { examined, type Finding } from '@rollcall/cli/doctor/finding';
import { judgeCertificates } from '@rollcall/cli/doctor/identity-provider';
import type { Patient } from '@rollcall/cli/doctor/patient';
import { examineAcs, examinePublicUrl } from '@rollcall/cli/doctor/public-address';
import { judgeEviction } from '@rollcall/cli/doctor/redis';
import { readReference } from '@rollcall/cli/doctor/reference';
import { judgeSignIns } from '@rollcall/cli/doctor/sign-ins';
import { readCertificate } from '@rollcall/cli/queries/check-configuration';
import { startDemoIdp } from '@rollcall/demo-idp/main';
import { newReference } from '@rollcall/jit-auth/http/reference';
import { validateConfig } from '@rollcall/shared/config/load';
import { toConnectionId } from '@rollcall/shared/core/ids';
import { after, type EpochMs, toEpochMs } from '@rollcall/shared/core/time';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { openFoundation } from '@rollcall/shared/engine/foundation';
import { Redis } from 'ioredis';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { openKeycloakSimulator } from '../../conformance/directories/keycloak-simulator.ts';
import { makeTestKey, type TestKey } from '../../fixtures/saml/signing-key.ts';
import { freshDatabase } from '../../setup/database.ts';

const NOW = toEpochMs(Date.UTC(2026, 10, 25, 12));
const DAY_MS = 86_400_000;
const ACME = toConnectionId('acme');
const ENV = { KEY: 'k'.repeat(40) };

function verdicts(findings: readonly Finding[]): [string, string | null][] {
  return findings.map(({ verdict, code }) => [verdict, code]);
}

/** A patient with one connection and an identity provider that runs. */
async function patientWith(
  publicUrl: string,
  clock: () => EpochMs = currentTime,
  databaseUrl = 'postgres://nobody@127.0.0.1:1/none',
): Promise<Patient> {
  const idp = await startDemoIdp({ serviceProviders: [] });
  onTestFinished(() => idp.close());
  const env = { ...ENV, DATABASE_URL: databaseUrl };
  const config = validateConfig(
    {
      version: 1,
      public_url: publicUrl,
      session: { keys: ['env:KEY'] },
      connections: [
        { id: 'acme', idp: { metadata_url: `${idp.url}/metadata` }, subject: { attribute: 'uid' } },
      ],
      roles: [{ role: 'analyst', when: { any_group: ['BI-Analysts'] } }],
    },
    { env },
  );
  const openDatabase = () => openFoundation({ ...config, redis: { url: null } }, { env });
  return { config, env, clock, only: null, openDatabase, advice: await readAdvice() };
}

async function serve(listener: RequestListener, key?: TestKey): Promise<string> {
  const server: Server =
    key === undefined
      ? createServer(listener)
      : createSecureServer({ key: key.key, cert: key.certificate }, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return `${key === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
}

describe('clocks', () => {
  it.each([
    // Ours before and after, what it said, how coarsely: how far ours is ahead.
    [0, 100, 50, 1, 0],
    [0, 100, -900, 1_000, 0],
    [10_000, 10_100, 0, 1, 9_999],
    [10_000, 10_100, 0, 1_000, 9_000],
    [0, 100, 7_100, 1_000, -7_000],
  ])('asked from %i to %i, said %i (to %i ms): %i', (before, until, said, grainMs, difference) => {
    const at = (ms: number) => after(NOW, ms);
    const asked = { before: at(before), after: at(until), said: at(said), grainMs };
    expect(differenceOf(asked)).toBe(difference);
  });

  it.each([
    [90_000, 'fault'],
    [-20_000, 'warning'],
    [0, 'ok'],
  ])('finds ours %i ms off, by the database and by the identity provider', async (off, verdict) => {
    const fresh = await freshDatabase();
    const clock = () => after(currentTime(), off);
    const patient = await patientWith('http://127.0.0.1:1', clock, fresh.url);
    const sections = await examine(patient);
    const clocks = sections.flatMap(({ findings }) => findings.filter((f) => f.check === 'clock'));
    expect(clocks.map((finding) => finding.verdict)).toEqual([verdict, verdict]);
    expect(clocks[0]?.message).toMatch(
      off === 0 ? /agrees/ : off > 0 ? /90 s ahead/ : /20 s behind/,
    );
    await fresh.drop();
  });

  it('judges sign-ins by the shortest way, and by what clock_skew allows', () => {
    const seen = (...clockOffsetsMs: number[]) =>
      verdicts(judgeSignIns({ connectionId: ACME, lastAt: NOW, clockOffsetsMs }, 60_000, NOW)).at(
        -1,
      );
    expect(seen(300, 90_000, 45_000)).toEqual(['ok', null]);
    expect(seen(-40_000, 300)).toEqual(['warning', 'doctor.clock_differs']);
    expect(seen(40_000, 50_000)).toEqual(['warning', 'doctor.clock_differs']);
    expect(verdicts(judgeSignIns(null, 60_000, NOW))).toEqual([['ok', null]]);
  });
});

describe('certificates', () => {
  const ending = async (at: number) => {
    const { certificate } = await makeTestKey(2048, { notAfterDate: new Date(at) });
    return readCertificate(certificate);
  };
  it('are a fault once they have ended, a warning 30 days before, unless another is good', async () => {
    const [ended, soon, good] = await Promise.all(
      [-2, 29, 300].map((days) => ending(NOW + days * DAY_MS)),
    );
    if (ended === undefined || soon === undefined || good === undefined) throw new Error('none');
    expect(verdicts(judgeCertificates([ended], NOW))).toEqual([
      ['fault', 'doctor.certificate_expired'],
    ]);
    expect(verdicts(judgeCertificates([soon], NOW))).toEqual([
      ['warning', 'doctor.certificate_expires_soon'],
    ]);
    expect(verdicts(judgeCertificates([ended, good], NOW))).toEqual([
      ['ok', null],
      ['ok', null],
    ]);
    const [finding] = judgeCertificates([ended], NOW);
    expect(finding?.message).toContain('expired 2 days ago, on 2026-11-23');
  });
});

describe('the public address', () => {
  it('is a fault by name where its certificate is not to be trusted', async () => {
    const url = await serve((_request, response) => void response.end('{}'), await makeTestKey());
    const [finding] = await examinePublicUrl(await patientWith(url));
    expect(finding).toMatchObject({ verdict: 'fault', code: 'doctor.tls_untrusted' });
    expect(finding?.message).toMatch(/DEPTH_ZERO_SELF_SIGNED_CERT|self-signed/);
  });

  it('is a fault where something else answers there', async () => {
    const url = await serve((_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end('<html>Welcome to nginx</html>');
    });
    const patient = await patientWith(url);
    expect(verdicts(await examineAcs({ id: ACME }, patient))).toEqual([
      ['fault', 'doctor.other_service'],
    ]);
  });

  it.each([301, 404, 502])('is a fault where a proxy answers %i', async (status) => {
    const url = await serve((_request, response) => {
      response.writeHead(status, { location: 'https://elsewhere.example' }).end();
    });
    const [finding] = await examinePublicUrl(await patientWith(url));
    expect(finding).toMatchObject({ code: 'doctor.public_url_unreachable' });
    expect(finding?.message).toContain(`received ${status}`);
  });
});

describe('the directory', () => {
  it('is a fault where the token may not look people up', async () => {
    let roles = ['view-users'];
    const harness = await openKeycloakSimulator({ roles: () => roles });
    onTestFinished(() => harness.close());
    const ask = () =>
      examined(
        'directory',
        () => 'cure',
        () => askDirectory(harness.directory, () => null),
      );
    expect(verdicts(await ask())).toEqual([['ok', null]]);
    roles = ['query-users'];
    const [finding] = await ask();
    expect(finding).toMatchObject({ verdict: 'fault', code: 'directory.forbidden' });
    expect(finding?.message).toContain('view-users');
  });

  it('is late by three intervals, and never by less than ten minutes', () => {
    const hour = 3_600_000;
    const judge = (ageMs: number | null, everyMs: number) =>
      judgeSweep(ageMs === null ? null : after(NOW, -ageMs), everyMs, NOW).code;
    expect(judge(3 * hour, hour)).toBeNull();
    expect(judge(3 * hour + 1, hour)).toBe('doctor.sweep_stale');
    expect(judge(9 * 60_000, 15_000)).toBeNull();
    expect(judge(11 * 60_000, 15_000)).toBe('doctor.sweep_stale');
    expect(judge(null, hour)).toBe('doctor.never_swept');
  });
});

describe('redis', () => {
  it('must not evict', async () => {
    const info = (policy: string, maxmemory: number) =>
      `# Memory\r\nmaxmemory:${maxmemory}\r\nmaxmemory_policy:${policy}\r\n`;
    expect(judgeEviction(info('noeviction', 1)).verdict).toBe('ok');
    expect(judgeEviction(info('allkeys-lru', 1)).verdict).toBe('fault');
    expect(judgeEviction(info('volatile-ttl', 0)).verdict).toBe('warning');
  });

  it('says so itself', async () => {
    const context = inject('redis');
    // Without Redis the suites that run on both engines say that it is missing.
    if ('missing' in context) return;
    const redis = new Redis(context.url);
    const finding = judgeEviction(await redis.info());
    redis.disconnect();
    expect(finding.message).toMatch(/^maxmemory-policy \S+$|expected noeviction, received \S+/);
  });
});

describe('what hangs', () => {
  it('is a fault of its own, with what went wrong', async () => {
    const [finding] = await examined(
      'x',
      (code) => `cure of ${code}`,
      async () => {
        throw new Error('broken');
      },
    );
    expect(finding).toMatchObject({ verdict: 'fault', code: 'internal', cure: 'cure of internal' });
  });
});

describe('advice', () => {
  it('is that of the page: for the provider where there is one, else in general', async () => {
    const advice = await readAdvice();
    expect(advice.of('saml.audience_mismatch', 'okta')).toBe(
      'Audience URI (SP Entity ID) = our entity id.',
    );
    expect(advice.of('saml.audience_mismatch', 'generic')).toMatch(/^The assertion is for another/);
    expect(advice.of('access.deactivated', 'okta')).toMatch(/^rollcall explain USER/);
    expect(advice.of('saml.no_such_code', 'okta')).toBeNull();
    expect((await readAdvice('/nowhere')).of('saml.expired', 'okta')).toBeNull();
  });

  it('takes nothing of the next chapter, and no code block', () => {
    const page = '### `saml.a`\n\nDo *this*.\n\n```sh\nrm -rf\n```\n\n## Other\n\nNot this.\n';
    expect(parseAdvice(page).of('saml.a', 'okta')).toBe('Do this.');
  });
});

describe('references', () => {
  it('are read as people type them', () => {
    const reference = newReference();
    const typed = reference
      .toLowerCase()
      .replace('-', '')
      .replaceAll('0', 'o')
      .replaceAll('1', 'l');
    expect(readReference(` ${typed} `)).toBe(reference);
    for (const other of ['acme', '7K2Q-9WX4T', '7K2Q-9WX4TMM', 'UUUU-UUUUUU', '']) {
      expect(readReference(other)).toBeNull();
    }
  });
});
