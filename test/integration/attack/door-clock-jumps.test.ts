import { X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeMetadata } from '../../fixtures/saml/idp-metadata.ts';
import { makeTestKey, type TestKey } from '../../fixtures/saml/signing-key.ts';
import { type MetadataServer, serveMetadata } from '../connections/metadata-server.ts';
import { ACME, DAY, fromUrl, HOUR, openWorld, type World } from '../connections/world.ts';

const [first, second] = (await Promise.all([makeTestKey(), makeTestKey()])) as [TestKey, TestKey];
const metadata = (...keys: TestKey[]) =>
  writeMetadata({ certificates: keys.map(({ certificate }) => certificate) });
const pem = ({ certificate }: TestKey) => new X509Certificate(certificate).toString();

/** A clock that is far ahead for a while: a virtual machine that was resumed, a bad NTP server. */
describe('an instance whose clock was far ahead', () => {
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

  const trustedAfter = async (
    jump: number,
    meanwhile: MetadataServer['behaviour'],
  ): Promise<readonly string[]> => {
    const instance = await world.open([{ id: ACME, idp: fromUrl(server.url) }]);
    server.behaviour = meanwhile;
    world.pass(jump);
    await instance.lookNow();
    world.pass(-jump);
    // The provider changes its key, and all clocks are right again for two hours.
    server.xml = metadata(second);
    server.behaviour = 'good';
    for (let hour = 0; hour < 2; hour++) {
      world.pass(HOUR);
      await instance.lookNow();
    }
    return instance.of(ACME).current().certificates;
  };

  it.each(['good', 'error'] as const)(
    'does not keep everybody from the next key of their provider (meanwhile: %s)',
    async (meanwhile) => {
      expect(await trustedAfter(30 * DAY, meanwhile)).toContain(pem(second));
    },
  );

  it('and died as it was fetching, holds up no other', async () => {
    const one = await world.open([{ id: ACME, idp: fromUrl(server.url) }]);
    await one.close();
    const inAMonth = new Date(world.now() + 30 * DAY);
    await world.fresh.pool.query('update identity_providers set claimed_until = $1', [inAMonth]);
    server.xml = metadata(second);
    const other = await world.open([{ id: ACME, idp: fromUrl(server.url) }]);
    world.pass(HOUR);
    await other.lookNow();
    expect(other.of(ACME).current().certificates).toContain(pem(second));
  });
});
