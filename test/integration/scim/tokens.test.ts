import { X509Certificate } from 'node:crypto';
import { request } from 'node:http';
import { examineScim } from '@rollcall/cli/doctor/scim';
import { LeasedRate } from '@rollcall/jit-auth/http/leased-rate';
import { authenticate } from '@rollcall/jit-auth/scim/tokens/authenticate';
import { readConfig } from '@rollcall/shared/config/load';
import { after } from '@rollcall/shared/core/time';
import { inTransaction } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { type Engine, openEngine } from '@rollcall/shared/engine/engine';
import { createLog } from '@rollcall/shared/telemetry/log';
import { readEndingTokens } from '@rollcall/sweeper/watch/scim-tokens';
import { Kysely, PostgresDialect } from 'kysely';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeOnBothEngines, type FreshRedis, redisOrNull } from '../../setup/redis.ts';
import { openScim, type ScimScene } from '../../support/scim.ts';
import { typed } from '../../support/typed.ts';

const DAY = 86_400_000;

let scene: ScimScene;
let certificate: X509Certificate;
let thumbprint: string;
beforeAll(async () => {
  scene = await openScim({
    more: (config) => {
      // Connections of this machine: the proxy. The other family is anybody else.
      config.scim = { client_certificate: { header: 'Client-Cert', proxies: ['127.0.0.1'] } };
    },
  });
  const made = await generate([{ name: 'commonName', value: 'okta' }], { algorithm: 'sha256' });
  certificate = new X509Certificate(made.cert);
  thumbprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
});
afterAll(() => scene.close());

/** A request whose headers are as they are given, and the status of its answer. */
function statusOf(
  secret: string,
  headers: readonly (readonly [string, string])[],
): Promise<number> {
  const url = new URL(`${scene.url}/Users?count=0`);
  const flat = [['host', url.host], ['authorization', `Bearer ${secret}`], ...headers].flat();
  return new Promise((resolve, reject) => {
    const asking = request({
      host: '127.0.0.1',
      port: url.port,
      path: url.pathname + url.search,
      headers: flat,
    });
    asking.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asking.on('error', reject).end();
  });
}

describe('a token that is bound to a certificate', () => {
  it('is good with it, by the word of the proxy, and else not', async () => {
    const secret = await scene.token('acme', { name: 'bound', certificateSha256: thumbprint });
    const named = await scene.token('acme', { name: 'named', certificateSubject: 'CN=okta' });
    const foreign = await scene.token('acme', { name: 'foreign', certificateSubject: 'CN=entra' });
    const said = ['Client-Cert', `:${certificate.raw.toString('base64')}:`] as const;
    expect(await statusOf(secret, [said])).toBe(200);
    expect(await statusOf(named, [said])).toBe(200);
    expect(await statusOf(foreign, [said])).toBe(401);
    expect(await statusOf(secret, [])).toBe(401);
    expect(await statusOf(secret, [said, said])).toBe(401);
    expect(await statusOf(secret, [['Client-Cert', thumbprint]])).toBe(401);
    const whys = scene.logged.flatMap((line) => JSON.parse(line).why ?? []);
    expect(whys).toEqual([
      'other_certificate',
      'no_certificate',
      'no_certificate',
      'no_certificate',
    ]);
  });

  it('is not good by the word of anybody else', async () => {
    const elsewhere = await openScim({
      more: (config) => {
        config.scim = { client_certificate: { proxies: ['192.0.2.1'] } };
      },
    });
    try {
      const secret = await elsewhere.token('acme', { certificateSha256: thumbprint });
      const headers = {
        'client-cert': `:${certificate.raw.toString('base64')}:`,
        'x-forwarded-for': '192.0.2.1',
      };
      expect((await elsewhere.client(secret).get('/Users', headers)).status).toBe(401);
      expect((await elsewhere.acme.get('/Users', headers)).status).toBe(200);
    } finally {
      await elsewhere.close();
    }
  });

  it('is made and listed at the command line, and its successor is bound to the same', async () => {
    const config = scene.config;
    const command = (...args: string[]) =>
      typed(['scim', 'token', ...args], config, scene.fresh.url);
    const colons = `SHA256 Fingerprint=${certificate.fingerprint256}`;
    const made = (
      await command('create', 'acme', '--name', 'tls', '--certificate-sha256', colons, '--json')
    ).json();
    expect(made).toMatchObject({ certificate_sha256: thumbprint, certificate_subject: null });
    const rotated = (await command('rotate', 'acme', 'tls', '--json')).json();
    expect(rotated).toMatchObject({ certificate_sha256: thumbprint });
    expect((await command('list', 'acme')).out).toContain(thumbprint.slice(0, 12));
    const said = ['Client-Cert', `:${certificate.raw.toString('base64')}:`] as const;
    expect(await statusOf(rotated.secret, [said])).toBe(200);
    expect(
      await command('create', 'acme', '--name', 'x', '--certificate-sha256', 'abc'),
    ).toMatchObject({ code: 1 });
    expect(
      await command('create', 'acme', '--name', 'x', '--certificate-subject', 'okta'),
    ).toMatchObject({ code: 1 });
    const { scim: _scim, ...without } = config as Record<string, unknown>;
    const args = ['create', 'acme', '--name', 'x', '--certificate-subject', 'CN=okta', '--json'];
    const refused = await typed(['scim', 'token', ...args], without, scene.fresh.url);
    expect(refused.json()).toMatchObject({ error: { code: 'scim.certificate_unread' } });
  });
});

it('a token that is good for nothing is refused by the same one question, whatever it was', async () => {
  const asked: string[] = [];
  const db: typeof scene.db = new Kysely({
    dialect: new PostgresDialect({ pool: scene.fresh.pool }),
    log: ({ query }) => void asked.push(query.sql),
  });
  const now = currentTime();
  const revoked = await scene.token('acme', { name: 'taken-back' });
  await scene.fresh.pool.query(
    "update scim_tokens set revoked_at = now() where name = 'taken-back'",
  );
  const secrets = {
    unknown: 'rollcall_scim_unknown',
    revoked,
    expired: await scene.token('acme', { name: 'ran-out', expiresAt: after(now, -1) }),
    other_network: await scene.token('acme', { name: 'elsewhere', networks: ['192.0.2.0/24'] }),
    no_certificate: await scene.token('acme', { name: 'bare', certificateSha256: thumbprint }),
  };
  for (const [why, secret] of Object.entries(secrets)) {
    const credentials = {
      header: `Bearer ${secret}`,
      address: '127.0.0.1',
      certificate: null,
    };
    expect(await authenticate(db, credentials, now)).toMatchObject({ kind: 'refused', why });
  }
  expect(asked).toHaveLength(Object.keys(secrets).length);
  expect(new Set(asked).size).toBe(1);
});

describe('who looks after tokens', () => {
  it('doctor says which of them end, are unused, or cannot be used', async () => {
    const own = await openScim();
    try {
      const config = await readConfig(own.config, {});
      const examine = async (id: string) => {
        const connection = config.connections.find((one) => one.id === id);
        if (connection === undefined) throw new Error(`no connection ${id}`);
        return examineScim(connection, own.db, { config, clock: currentTime });
      };
      expect(await examine('jit')).toEqual([]);
      expect(await examine('globex')).toMatchObject([
        { code: 'doctor.scim_no_token', verdict: 'fault' },
      ]);
      expect(await examine('acme')).toMatchObject([{ verdict: 'ok' }]);
      const now = currentTime();
      await own.token('globex', { name: 'ending', expiresAt: after(now, 13.5 * DAY) });
      await own.token('globex', { name: 'unused', createdAt: after(now, -2 * DAY) });
      await own.token('globex', { name: 'unread', certificateSubject: 'CN=x' });
      expect((await examine('globex')).map(({ code }) => code).sort()).toEqual([
        'doctor.scim_certificate_unread',
        'doctor.scim_token_ending',
        'doctor.scim_token_unused',
      ]);
      const told = await inTransaction(own.db, (tx) =>
        readEndingTokens(tx, config.connections, now),
      );
      expect(told).toMatchObject([
        {
          event: 'scim.token_expiring',
          about: expect.stringMatching(/ 14 days$/),
          facts: { token: 'ending', days_left: 13 },
        },
      ]);
      const at = (days: number) =>
        inTransaction(own.db, (tx) =>
          readEndingTokens(tx, config.connections, after(now, days * DAY)),
        );
      expect((await at(13)).map(({ about }) => about)).toEqual([expect.stringMatching(/ 1 days$/)]);
      expect((await at(15)).map(({ about }) => about)).toEqual([expect.stringMatching(/ ended$/)]);
      expect(await at(60)).toEqual([]);
    } finally {
      await own.close();
    }
  });
});

describeOnBothEngines('a rate that instances share', (kind) => {
  let engine: Engine;
  let redis: FreshRedis | null;
  beforeAll(async () => {
    redis = kind === 'redis' ? await redisOrNull() : null;
    engine = await openEngine(scene.fresh.pool, redis === null ? null : { url: redis.url });
  });
  afterAll(async () => {
    await engine.close();
    await redis?.release();
  });

  const log = createLog('silent');
  let runs = 0;
  const allowance = () => ({
    name: `test-${kind}-${process.pid}-${Date.now()}-${runs++}`,
    points: 100,
    windowSeconds: 60,
    free: 10,
    lease: 20,
  });

  it('lets no more through than it says, asks seldom, and says how long to wait', async () => {
    const shared = allowance();
    const instances = [1, 2, 3].map(() => new LeasedRate(engine, log, shared));
    const asked = Array.from({ length: 300 }, (_, n) => instances[n % 3]?.count('client'));
    const waits = await Promise.all(asked);
    const through = waits.filter((wait) => wait === null).length;
    // 90 in common, and 10 free of each.
    expect(through).toBeLessThanOrEqual(120);
    expect(through).toBeGreaterThanOrEqual(120 - 3 * 20);
    for (const wait of waits)
      if (wait !== null && wait !== undefined) expect(wait).toBeLessThanOrEqual(60_000);
    // Another key is another count, and one that waits is told without a question.
    expect(await instances[0]?.count('somebody else')).toBeNull();
    const known = instances.map((one) => one.waitOf('client') ?? 0);
    expect(Math.max(...known)).toBeGreaterThan(0);
    expect(instances[0]?.waitOf('somebody else')).toBeNull();
  });

  it('gives one instance all of it', async () => {
    const rate = new LeasedRate(engine, log, allowance());
    let through = 0;
    for (let n = 0; n < 150; n++) if ((await rate.count('one')) === null) through += 1;
    expect(through).toBe(100);
  });
});

it('where the common count is away, each instance counts alone, and nobody waits for it', async () => {
  const lines: string[] = [];
  const log = createLog('warn', { write: (line: string) => void lines.push(line) });
  const broken = {
    query: () => Promise.reject(new Error('away')),
    connect: () => Promise.reject(new Error('away')),
  };
  const engine = {
    kind: 'postgres',
    pool: broken,
    close: async () => undefined,
  } as unknown as Engine;
  const rate = new LeasedRate(engine, log, {
    name: 'x',
    points: 30,
    windowSeconds: 60,
    free: 5,
    lease: 5,
  });
  const waits = await Promise.all(Array.from({ length: 60 }, () => rate.count('one')));
  expect(waits.filter((wait) => wait === null)).toHaveLength(30);
  expect(lines.filter((line) => line.includes('counting_alone'))).toHaveLength(1);
});
