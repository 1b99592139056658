import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeMetadata } from '../../fixtures/saml/idp-metadata.ts';
import { makeTestKey, type TestKey } from '../../fixtures/saml/signing-key.ts';
import { ACME, GLOBEX, HOUR, openWorld, type World } from './world.ts';

const [first, second] = (await Promise.all([makeTestKey(), makeTestKey()])) as [TestKey, TestKey];
const pem = ({ certificate }: TestKey) => new X509Certificate(certificate).toString();

let world: World;
let folder: string;
let path: string;
beforeAll(async () => {
  world = await openWorld();
  folder = await mkdtemp(join(tmpdir(), 'rollcall-metadata-'));
  path = join(folder, 'idp.xml');
});
afterAll(async () => {
  await world.close();
  await rm(folder, { recursive: true });
});

let writes = 0;
async function write(text: string): Promise<void> {
  await writeFile(path, text);
  // Two writes within one tick of the file system's clock would look like one.
  writes += 1;
  await utimes(path, new Date(), new Date(Date.now() + writes * 1000));
}
const file = (refreshMs = HOUR) => [
  { id: ACME, idp: { kind: 'metadata_file', path, refreshMs, pins: [] } as const },
];

test('a file is read again once it has changed, at the pace of the configuration', async () => {
  await write(writeMetadata({ certificates: [first.certificate] }));
  const instance = await world.open(file());
  await write(writeMetadata({ certificates: [second.certificate] }));
  await instance.lookNow();
  expect(instance.of(ACME).current().certificates).toEqual([pem(first)]);
  world.pass(HOUR);
  await instance.lookNow();
  // No overlap: whoever wrote the file has decided.
  expect(instance.of(ACME).current().certificates).toEqual([pem(second)]);
});

test('one that goes wrong, or names another provider, leaves what was read before', async () => {
  await write(writeMetadata({ certificates: [first.certificate] }));
  const instance = await world.open(file());
  const before = instance.of(ACME).current();
  for (const [text, code] of [
    ['<half', 'saml.metadata_not_xml'],
    [
      writeMetadata({ entityId: 'https://evil.example', certificates: [second.certificate] }),
      'connection.entity_id_changed',
    ],
  ] as const) {
    await write(text);
    world.pass(HOUR);
    await instance.lookNow();
    expect(instance.of(ACME).current()).toBe(before);
    expect(world.logged.at(-1)).toMatchObject({ event: 'connection.refresh_failed', code });
  }
  await rm(path);
  world.pass(HOUR);
  await instance.lookNow();
  expect(instance.of(ACME).current()).toBe(before);
});

test('one that is missing at the start is found once it is there', async () => {
  await rm(path, { force: true });
  const instance = await world.open(file());
  expect(instance.of(ACME).problem()?.detail).toMatchObject({ code: 'saml.metadata_unreadable' });
  await write(writeMetadata({ certificates: [first.certificate] }));
  await instance.lookNow();
  expect(instance.of(ACME).current().certificates).toEqual([pem(first)]);
});

test('metadata in the configuration itself ends with its validUntil, too', async () => {
  const validUntil = new Date(world.now() + HOUR).toISOString();
  const xml = writeMetadata({ certificates: [first.certificate], validUntil });
  const instance = await world.open([{ id: GLOBEX, idp: { kind: 'metadata', xml } }]);
  expect(instance.of(GLOBEX).problem()).toBeNull();
  world.pass(HOUR);
  await instance.lookNow();
  expect(instance.of(GLOBEX).problem()?.detail).toMatchObject({ code: 'saml.metadata_expired' });
});
