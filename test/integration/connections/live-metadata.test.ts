import { X509Certificate } from 'node:crypto';
import { copyKey } from '@rollcall/jit-auth/connections/url-keeper';
import type { LiveIdentityProvider } from '@rollcall/jit-auth/saml/live-identity-provider';
import { NO_KEYS } from '@rollcall/jit-auth/saml/own-keys';
import { samlConnection } from '@rollcall/jit-auth/saml/saml-connection';
import { overPool } from '@rollcall/shared/db/database';
import { readCopy } from '@rollcall/shared/db/identity-providers';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeMetadata } from '../../fixtures/saml/idp-metadata.ts';
import { mapReplayMemory } from '../../fixtures/saml/map-replay-memory.ts';
import { writeResponse } from '../../fixtures/saml/response-xml.ts';
import { PUBLIC_URL, postResponse, sendBrowser } from '../../fixtures/saml/sign-in.ts';
import { signMetadata } from '../../fixtures/saml/sign-metadata.ts';
import { signXml } from '../../fixtures/saml/sign-xml.ts';
import { makeTestKey, type TestKey } from '../../fixtures/saml/signing-key.ts';
import { type Behaviour, type MetadataServer, serveMetadata } from './metadata-server.ts';
import { ACME, DAY, fromUrl, GLOBEX, HOUR, MINUTE, openWorld, type World } from './world.ts';

const [first, second, publisher] = (await Promise.all([
  makeTestKey(),
  makeTestKey(),
  makeTestKey(),
])) as [TestKey, TestKey, TestKey];
const pem = ({ certificate }: TestKey) => new X509Certificate(certificate).toString();
const metadata = (...keys: TestKey[]) =>
  writeMetadata({ certificates: keys.map(({ certificate }) => certificate) });

let world: World;
let server: MetadataServer;
beforeEach(async () => {
  world = await openWorld();
  server = await serveMetadata(metadata(first));
});
afterEach(async () => {
  await world.close();
  await server.close();
});

const acme = (changes = {}) => [{ id: ACME, idp: fromUrl(server.url, changes) }];
const events = (...names: string[]) =>
  world.logged.filter(({ event }) => names.some((name) => String(event).startsWith(name)));
const stored = async () => readCopy(world.db, copyKey(ACME, server.url));

/** A sign-in by a response that this key has signed; its code where it is refused. */
async function signIn(live: LiveIdentityProvider, key: TestKey): Promise<string> {
  const settings = { id: ACME, signed: 'assertion', clockSkewMs: 60_000 } as const;
  const more = {
    encryption: 'optional',
    weakAlgorithms: [],
    allowCreate: false,
    forceAuthn: false,
    authnContext: [],
    signRequests: 'auto',
    idpInitiated: false,
  } as const;
  const connection = samlConnection({ ...settings, ...more }, live, NO_KEYS, PUBLIC_URL);
  const browser = await sendBrowser(connection, mapReplayMemory());
  try {
    await postResponse(browser, signXml(writeResponse(browser.answer), 'assertion', { key }));
    return 'signed in';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('metadata at an address', () => {
  test('is asked for again when it is due, and only what has changed is sent', async () => {
    const instance = await world.open(acme());
    world.pass(59 * MINUTE);
    await instance.lookNow();
    expect(server.answered).toEqual([200]);
    world.pass(MINUTE);
    await instance.lookNow();
    expect(server.answered).toEqual([200, 304]);
    server.xml = metadata(first, second);
    world.pass(HOUR);
    await instance.lookNow();
    expect(server.answered).toEqual([200, 304, 200]);
    expect(instance.of(ACME).current().certificates).toEqual([pem(first), pem(second)]);
  });

  test('is compared by its date where there is no ETag', async () => {
    server.withEtag = false;
    const instance = await world.open(acme());
    world.pass(HOUR);
    await instance.lookNow();
    expect(server.answered).toEqual([200, 304]);
  });

  test('rolls over to a new key: both sign in for the overlap, then only the new one', async () => {
    const instance = await world.open(acme());
    const live = instance.of(ACME);
    expect(await signIn(live, first)).toBe('signed in');
    expect(await signIn(live, second)).toBe('saml.signature_invalid');
    server.xml = metadata(second);
    world.pass(HOUR);
    await instance.lookNow();
    expect(await signIn(live, second)).toBe('signed in');
    expect(await signIn(live, first)).toBe('signed in');
    world.pass(DAY);
    await instance.lookNow();
    expect(await signIn(live, second)).toBe('signed in');
    expect(await signIn(live, first)).toBe('saml.signature_invalid');
    expect(events('certificate.').map(({ event }) => event)).toEqual([
      'certificate.announced',
      'certificate.withdrawn',
    ]);
  });

  test('takes a key away that its provider has withdrawn', async () => {
    server.xml = metadata(first, second);
    const instance = await world.open(acme());
    world.pass(2 * DAY);
    server.xml = metadata(second);
    await instance.lookNow();
    world.pass(2 * HOUR);
    await instance.lookNow();
    expect(await signIn(instance.of(ACME), first)).toBe('saml.signature_invalid');
    expect(await signIn(instance.of(ACME), second)).toBe('signed in');
  });

  test('keeps the same object while nothing changes, so that its keys are read once', async () => {
    const instance = await world.open(acme());
    const before = instance.of(ACME).current();
    server.xml = `${server.xml}<!-- ${'new text'} -->`;
    world.pass(HOUR);
    await instance.lookNow();
    expect((await stored())?.fetched?.xml).toBe(server.xml);
    expect(instance.of(ACME).current()).toBe(before);
  });

  test.each([
    ['error', 'saml.metadata_unreachable'],
    ['redirect', 'saml.metadata_redirected'],
    ['truncated', 'saml.metadata_unreachable'],
    ['huge', 'saml.metadata_too_large'],
    ['doctype', 'saml.metadata_doctype'],
    ['page', 'saml.metadata_no_entity'],
    ['gone', 'saml.metadata_unreachable'],
  ] as readonly [Behaviour, string][])(
    'that answers with %s leaves the last good copy',
    async (behaviour, code) => {
      const instance = await world.open(acme());
      server.behaviour = behaviour;
      world.pass(HOUR);
      await instance.lookNow();
      expect(await signIn(instance.of(ACME), first)).toBe('signed in');
      expect(await stored()).toMatchObject({ failures: 1, lastFailure: { code } });
      expect(events('connection.refresh_failed')).toMatchObject([{ code, copy_kept: true }]);
      expect(JSON.stringify(world.logged)).not.toContain('hidden');
      expect(JSON.stringify(await stored())).not.toContain('hidden');
      // It is tried again soon, and what it then says holds.
      server.behaviour = 'good';
      server.xml = metadata(second);
      world.pass(15_000);
      await instance.lookNow();
      expect(await signIn(instance.of(ACME), second)).toBe('signed in');
      expect(await stored()).toMatchObject({ failures: 0, lastFailure: null });
    },
  );

  test('that drips is given up, and keeps no sign-in waiting', async () => {
    const other = await serveMetadata(metadata(second));
    const idp = fromUrl(other.url);
    const background = { attempts: 1, firstWaitMs: 0, timeoutMs: 1000 };
    const instance = await world.open([...acme(), { id: GLOBEX, idp }], { background });
    server.behaviour = 'slow';
    world.pass(HOUR);
    const started = performance.now();
    const look = instance.lookNow();
    expect(await signIn(instance.of(ACME), first)).toBe('signed in');
    expect(performance.now() - started).toBeLessThan(1_000);
    await look;
    expect(await stored()).toMatchObject({
      lastFailure: {
        code: 'saml.metadata_unreachable',
        sentence: expect.stringContaining('within 1 s'),
      },
    });
    await other.close();
  });

  test('that comes to describe another provider is refused, loudly', async () => {
    const instance = await world.open(acme());
    server.xml = writeMetadata({
      entityId: 'https://evil.example',
      certificates: [second.certificate],
    });
    world.pass(HOUR);
    await instance.lookNow();
    expect(await signIn(instance.of(ACME), first)).toBe('signed in');
    expect(await signIn(instance.of(ACME), second)).toBe('saml.signature_invalid');
    expect(events('connection.refresh_failed')).toMatchObject([
      { level: 'error', code: 'connection.entity_id_changed' },
    ]);
    expect((await stored())?.certificates).toHaveLength(1);
  });

  test('is not used beyond its validUntil, whatever happens to the address', async () => {
    const until = new Date(world.now() + 2 * HOUR).toISOString();
    server.xml = writeMetadata({ certificates: [first.certificate], validUntil: until });
    const instance = await world.open(acme());
    server.behaviour = 'error';
    world.pass(2 * HOUR - 1000);
    await instance.lookNow();
    expect(await signIn(instance.of(ACME), first)).toBe('signed in');
    world.pass(1000);
    await instance.lookNow();
    expect(() => instance.of(ACME).current()).toThrow(
      expect.objectContaining({
        code: 'connection.unavailable',
        detail: expect.objectContaining({ code: 'saml.metadata_expired' }),
      }),
    );
    const restarted = await world.open(acme());
    expect(restarted.of(ACME).problem()).not.toBeNull();
    server.behaviour = 'good';
    server.xml = metadata(first);
    world.pass(MINUTE);
    await instance.lookNow();
    expect(await signIn(instance.of(ACME), first)).toBe('signed in');
  });
});

describe('metadata for which a certificate is pinned', () => {
  const pins = [pem(publisher)];

  test('adds no key unless its key has signed it; what it named can be looked at', async () => {
    server.xml = signMetadata(metadata(first), publisher);
    const instance = await world.open(acme({ pins }));
    for (const [xml, code] of [
      [metadata(first, second), 'saml.metadata_not_signed'],
      [signMetadata(metadata(second), second), 'saml.metadata_signature_invalid'],
    ] as const) {
      server.xml = xml;
      world.pass(HOUR);
      await instance.lookNow();
      expect(await stored()).toMatchObject({ lastFailure: { code } });
      expect(await signIn(instance.of(ACME), second)).toBe('saml.signature_invalid');
      expect(await signIn(instance.of(ACME), first)).toBe('signed in');
    }
    expect((await stored())?.certificates.map((one) => one.standing).sort()).toEqual([
      'announced',
      'refused',
    ]);
    expect(events('certificate.refused')).toHaveLength(1);
    expect(events('connection.refresh_failed').every(({ level }) => level === 'error')).toBe(true);
    server.xml = signMetadata(metadata(second), publisher);
    world.pass(HOUR);
    await instance.lookNow();
    expect(await signIn(instance.of(ACME), second)).toBe('signed in');
  });

  test('opens nothing where it is not signed, and trusts no copy from before it was pinned', async () => {
    await (await world.open(acme())).close();
    const instance = await world.open(acme({ pins }));
    expect(instance.of(ACME).problem()?.detail).toMatchObject({ code: 'saml.metadata_not_signed' });
  });
});

describe('a restart', () => {
  test('during an outage goes on with the stored copy, with a warning', async () => {
    await (await world.open(acme())).close();
    server.behaviour = 'error';
    world.pass(2 * DAY);
    const restarted = await world.open(acme());
    expect(await signIn(restarted.of(ACME), first)).toBe('signed in');
    expect(events('connection.stored_copy_used')).toMatchObject([
      { level: 'warn', code: 'saml.metadata_unreachable' },
    ]);
  });

  test('does not ask where another instance has asked a while ago', async () => {
    await (await world.open(acme())).close();
    await world.open(acme());
    expect(server.answered).toEqual([200]);
  });

  test('with another address trusts nothing of the one before', async () => {
    await (await world.open(acme())).close();
    const other = await serveMetadata(metadata(second));
    const restarted = await world.open([{ id: ACME, idp: fromUrl(other.url) }]);
    expect(restarted.of(ACME).current().certificates).toEqual([pem(second)]);
    // What is left of the first is forgotten in time.
    expect(await stored()).not.toBeNull();
    world.pass(32 * DAY);
    other.xml = metadata(first);
    await restarted.lookNow();
    expect(await stored()).toBeNull();
    await other.close();
  });
});

describe('a connection that cannot be opened', () => {
  test('keeps no other from opening, and opens once it can', async () => {
    const other = await serveMetadata(metadata(second));
    other.behaviour = 'error';
    const connections = [...acme(), { id: GLOBEX, idp: fromUrl(other.url) }];
    const instance = await world.open(connections);
    expect(await signIn(instance.of(ACME), first)).toBe('signed in');
    expect(instance.of(GLOBEX).problem()).toMatchObject({
      code: 'connection.unavailable',
      detail: { connection: 'globex', code: 'saml.metadata_unreachable' },
    });
    expect(events('connection.unavailable')).toMatchObject([{ connection: 'globex' }]);
    other.behaviour = 'good';
    world.pass(MINUTE);
    await instance.lookNow();
    expect(instance.of(GLOBEX).problem()).toBeNull();
    expect(events('connection.opened').map(({ connection }) => connection)).toEqual([
      'acme',
      'globex',
    ]);
    await other.close();
  });
});

describe('several instances', () => {
  test('fetch once, and all trust the same at their next look', async () => {
    const instances = await Promise.all([
      world.open(acme()),
      world.open(acme()),
      world.open(acme()),
    ]);
    expect(server.answered).toEqual([200]);
    server.xml = metadata(second);
    world.pass(HOUR);
    await Promise.all(instances.map((instance) => instance.lookNow()));
    await Promise.all(instances.map((instance) => instance.lookNow()));
    expect(server.answered).toEqual([200, 200]);
    for (const instance of instances) {
      expect(instance.of(ACME).current().certificates).toEqual([pem(second), pem(first)]);
    }
  });

  test('are not held up by one that dies while it fetches', async () => {
    const [dying, other] = [await world.open(acme()), await world.open(acme())];
    world.pass(HOUR);
    // It has claimed, and never comes back.
    await world.fresh.pool.query('update identity_providers set claimed_until = $1', [
      new Date(world.now() + MINUTE),
    ]);
    await other.lookNow();
    expect(server.answered).toEqual([200]);
    world.pass(MINUTE);
    await other.lookNow();
    expect(server.answered).toEqual([200, 304]);
    await dying.close();
  });

  test('go on while the database does not answer, and no longer than validUntil', async () => {
    const until = new Date(world.now() + 2 * HOUR).toISOString();
    server.xml = writeMetadata({ certificates: [first.certificate], validUntil: until });
    const pool = new pg.Pool({ connectionString: world.fresh.url });
    const connect = pool.connect.bind(pool);
    let broken = false;
    const choose = () => (broken ? Promise.reject(new Error('no database')) : connect());
    const db = overPool(Object.assign(pool, { connect: choose }));
    const instance = await world.open(acme(), { db });
    broken = true;
    world.pass(HOUR);
    await instance.lookNow();
    expect(instance.of(ACME).problem()).toBeNull();
    world.pass(HOUR);
    await instance.lookNow();
    expect(instance.of(ACME).problem()).not.toBeNull();
    await instance.close();
    await pool.end();
  });
});

describe('a name', () => {
  const answering = (...addresses: string[]) => {
    const asked: string[] = [];
    const resolve = ((name: string, _options: object, done: (...args: unknown[]) => void) => {
      asked.push(name);
      done(null, [{ address: addresses[asked.length - 1] ?? addresses.at(-1), family: 4 }]);
    }) as never;
    return { asked, resolve };
  };
  const named = (changes = {}) => {
    const { port } = new URL(server.url);
    return [{ id: ACME, idp: fromUrl(`http://rebinding.example:${port}/metadata`, changes) }];
  };

  test('that leads into a private network is not followed, unless that is allowed', async () => {
    const { resolve } = answering('127.0.0.1');
    const refused = await world.open(named(), { resolve });
    expect(refused.of(ACME).problem()?.detail).toMatchObject({
      code: 'saml.metadata_private_address',
    });
    expect(server.answered).toEqual([]);
    await refused.close();
    const allowed = await world.open(named({ allowPrivateAddress: true }), { resolve });
    expect(allowed.of(ACME).problem()).toBeNull();
  });

  test('is looked up once: the address that was checked is the one that is asked', async () => {
    // Nobody listens at the second address.
    const { asked, resolve } = answering('127.0.0.1', '127.9.9.9');
    const instance = await world.open(named({ allowPrivateAddress: true }), { resolve });
    expect(asked).toEqual(['rebinding.example']);
    expect(instance.of(ACME).problem()).toBeNull();
  });
});

test('the service keeps looking by itself, and stops at the end', async () => {
  const instance = await world.open(acme({ refreshMs: 1000 }), { lookEveryMs: 20 });
  server.xml = metadata(second);
  world.pass(1000);
  await expect
    .poll(() => instance.of(ACME).current().certificates)
    .toEqual([pem(second), pem(first)]);
  server.behaviour = 'slow';
  world.pass(1000);
  await expect
    .poll(
      async () =>
        (
          await world.fresh.pool.query(
            'select 1 from identity_providers where claimed_until is not null',
          )
        ).rowCount,
    )
    .toBe(1);
  const started = performance.now();
  await instance.close();
  expect(performance.now() - started).toBeLessThan(5_000);
  // Whoever comes next need not wait.
  const { rows } = await world.fresh.pool.query(
    'select claimed_until, failures from identity_providers',
  );
  expect(rows).toEqual([{ claimed_until: null, failures: 0 }]);
});
