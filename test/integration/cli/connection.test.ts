import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { writeMetadata } from '../../fixtures/saml/idp-metadata.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';
import { type FreshDatabase, freshDatabase } from '../../setup/database.ts';
import { type MetadataServer, serveMetadata } from '../connections/metadata-server.ts';
import { ACME, DAY, fromUrl, HOUR, openWorld } from '../connections/world.ts';
import { findFreePort } from '../start/free-port.ts';
import { makeFolder, rollcall, rollcallJson } from './rollcall.ts';

vi.setConfig({ testTimeout: 120_000 });

let database: FreshDatabase;
let server: MetadataServer;
const first = await makeTestKey();
const second = await makeTestKey();
beforeAll(async () => {
  database = await freshDatabase();
  server = await serveMetadata(writeMetadata({ certificates: [first.certificate] }));
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

/** A folder with a connection at an address and one by hand, whose certificate ends tomorrow. */
async function folder(databaseUrl: string): Promise<{ cwd: string; env: Record<string, string> }> {
  const cwd = makeFolder();
  const ending = await generate([{ name: 'commonName', value: 'Globex' }], {
    keySize: 2048,
    notAfterDate: new Date(Date.now() + 1.5 * DAY),
  });
  writeFileSync(join(cwd, 'globex.pem'), ending.cert);
  const own = await makeTestKey();
  writeFileSync(join(cwd, 'own.pem'), `${own.key}\n${own.certificate}`);
  writeFileSync(
    join(cwd, 'rollcall.yaml'),
    `version: 1
public_url: http://127.0.0.1:${await findFreePort()}
database: { url: env:ACME_DATABASE }
session: { keys: [env:ACME_KEY] }
connections:
  - id: acme
    label: Acme staff
    idp: { metadata_url: "${server.url}" }
    domains: [acme.example]
    keys: { signing: [file:own.pem] }
    subject: { attribute: uid }
  - id: globex
    idp: { entity_id: https://idp.globex.example, sso_url: https://idp.globex.example/sso, certs: [file:globex.pem] }
    subject: { attribute: uid }
`,
  );
  return { cwd, env: { ACME_DATABASE: databaseUrl, ACME_KEY: 'k'.repeat(40) } };
}

describe('connection', () => {
  it('tells what the service trusts, from before its first start to a key that was replaced', async () => {
    const place = await folder(database.url);
    const early = await rollcall(['connection', 'list'], place);
    expect(early).toMatchObject({ code: 0, stderr: '' });
    expect(early.stdout).toMatch(/^acme +Acme staff +unavailable +address +- +acme\.example +-$/m);
    expect(early.stdout).toMatch(
      /^globex +globex +ok +by hand .* https:\/\/idp\.globex\.example$/m,
    );

    const world = await openWorld(database);
    const instance = await world.open([{ id: ACME, idp: fromUrl(server.url) }]);
    server.xml = writeMetadata({ certificates: [second.certificate] });
    world.pass(HOUR);
    await instance.lookNow();
    server.behaviour = 'error';
    world.pass(HOUR);
    await instance.lookNow();
    await world.close();

    const listed = await rollcallJson(['connection', 'list'], place);
    expect(listed).toMatchObject({
      code: 0,
      answer: {
        connections: [
          {
            id: 'acme',
            state: 'stale',
            problem: null,
            entity_id: 'https://idp.example.com/metadata',
            address: server.url.split('?')[0],
            failures: 1,
            last_failure: { code: 'saml.metadata_unreachable' },
            certificates: [
              { use: 'identity_provider', standing: 'withdrawn', trusted: true },
              { use: 'identity_provider', standing: 'announced', trusted: true },
              { use: 'own_signing', standing: null, trusted: true },
            ],
          },
          { id: 'globex', state: 'ok', source: 'manual', certificates: [{ days_left: 1 }] },
        ],
      },
    });

    const shown = await rollcall(['connection', 'show', 'acme'], place);
    expect(shown.stdout).toMatch(
      /^ {2}failing +once, the last .*status 500.* \(saml\.metadata_unreachable\)$/m,
    );
    expect(shown.stdout).toMatch(/^ {2}ACS +http:\/\/127\.0\.0\.1:\d+\/saml\/acme\/acs$/m);

    const certs = await rollcall(['connection', 'certs'], place);
    expect(certs.stdout).toMatch(
      /^acme +its signing +withdrawn, trusted until .* in 36[45] days, 20/m,
    );
    expect(certs.stdout).toMatch(/^acme +our signing +trusted +in /m);
    expect(certs.stdout).toMatch(/^globex +its signing +trusted +! in 1 day, 20/m);
    expect((await rollcall(['check'], place)).stdout).toMatch(
      /^ {2}our signing +expires in 36[45] days/m,
    );
    for (const { stdout } of [early, shown, certs]) expect(stdout).not.toContain('hidden');
    expect(JSON.stringify(listed.answer)).not.toContain('hidden');
  });

  it('names the connections there are where another is asked for', async () => {
    const place = await folder(database.url);
    const unknown = await rollcallJson(['connection', 'show', 'acmee'], place);
    expect(unknown).toMatchObject({
      code: 1,
      answer: { error: { code: 'connection.unknown', detail: { expected: ['acme', 'globex'] } } },
    });
    expect((await rollcall(['connection', 'certs', 'acmee'], place)).code).toBe(1);
  });

  it('says what keeps one from being used, and shows the others', async () => {
    const place = await folder(database.url);
    const file = join(place.cwd, 'rollcall.yaml');
    const text = readFileSync(file, 'utf8');
    const [acme = ''] = /idp: \{ metadata_url.*/.exec(text) ?? [];
    writeFileSync(file, text.replace(acme, 'idp: { metadata_file: missing.xml }'));
    const shown = await rollcall(['connection', 'show', 'acme'], place);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toMatch(/^ {2}state +unavailable: .*\(saml\.metadata_unreadable\)$/m);
    const listed = await rollcall(['connection', 'list'], place);
    expect(listed.stdout).toMatch(/^globex +globex +ok/m);
    writeFileSync(join(place.cwd, 'broken.pem'), 'no key');
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace('[file:own.pem]', '[file:own.pem, file:broken.pem]'),
    );
    const checked = await rollcall(['check'], place);
    expect(checked.code).toBe(1);
    expect(checked.stderr).toMatch(/connections\.0\.keys\.signing\.1 .*\(saml\.own_key_unusable\)/);
  });
});
