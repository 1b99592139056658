import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { toConnectionId } from '@rollcall/shared/core/ids';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeMetadata } from '../../fixtures/saml/idp-metadata.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';
import { type MetadataServer, serveMetadata } from '../connections/metadata-server.ts';
import { ACME, fromUrl, HOUR, openWorld, type World } from '../connections/world.ts';

const key = await makeTestKey();
const xml = writeMetadata({ certificates: [key.certificate] });
/** More than are asked at once. */
const MANY = 40;

/** No way out of the network: each address takes the connection, and says nothing. */
describe('many providers that hang while the service starts', () => {
  let world: World;
  let good: MetadataServer;
  let silent: Server;
  beforeEach(async () => {
    world = await openWorld();
    good = await serveMetadata(xml);
    silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    await world.close();
    await good.close();
    silent.close();
  });

  it('do not keep those from signing in whose provider is known', async () => {
    const acme = { id: ACME, idp: fromUrl(good.url) };
    await (await world.open([acme])).close();
    world.pass(2 * HOUR);
    const { port } = silent.address() as AddressInfo;
    const hanging = Array.from({ length: MANY }, (_, number) => ({
      id: toConnectionId(`hanging-${number}`),
      idp: fromUrl(`http://127.0.0.1:${port}/${number}`),
    }));
    const begun = performance.now();
    const instance = await world.open([...hanging, acme], { startWithinMs: 500 });
    expect(instance.of(ACME).problem()).toBeNull();
    expect(performance.now() - begun).toBeLessThan(5_000);
    const ending = performance.now();
    await instance.close();
    expect(performance.now() - ending).toBeLessThan(2_000);
  }, 60_000);
});
