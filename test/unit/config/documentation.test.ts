import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@rollcall/shared/config/load';
import { PRESET_NAMES } from '@rollcall/shared/config/presets';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const GUIDE = new URL('../../../docs/configuration.md', import.meta.url);
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBizCCATGgAwIBAgIUKaC7nQAE0BfLp+lFX76WzJrkS3EwCgYIKoZIzj0EAwIw
GjEYMBYGA1UEAwwPaWRwLmV4YW1wbGUuY29tMCAXDTI2MTEyNDEwMzExNVoYDzIx
MjYxMDMxMTAzMTE1WjAaMRgwFgYDVQQDDA9pZHAuZXhhbXBsZS5jb20wWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAARi3j73lZ8c7Ws0k6+3vxUS5Od6OVFD3BZR43pO
La0AlrTftmSiejPV86Aa0IXRD2NRpHlRn/5Uw62puVw3SATdo1MwUTAdBgNVHQ4E
FgQUl3Zb+sOp7iVqrOTOseGzGwEpiHEwHwYDVR0jBBgwFoAUl3Zb+sOp7iVqrOTO
seGzGwEpiHEwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAhVU2
4xgugsnQRxZf5k8sPfguFbVi19qMx8iW2IQnS8sCIHddP+vJqwPrvht0DIRZu2j2
xKsMj4uqBU5vJgyJs+1I
-----END CERTIFICATE-----
`;

let folder: string;
let guide: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-config-'));
  guide = await readFile(GUIDE, 'utf8');
});
afterAll(() => rm(folder, { recursive: true }));

describe('the configuration guide', () => {
  it('shows an example that loads', async () => {
    const [, example] = /```yaml\n([\s\S]*?)```/.exec(guide) ?? [];
    await writeFile(join(folder, 'rollcall.yaml'), example ?? '');
    await writeFile(join(folder, 'globex.pem'), CERTIFICATE);

    const config = await loadConfig(join(folder, 'rollcall.yaml'), {});

    expect(config.connections.map(({ id }) => id)).toEqual(['acme', 'globex']);
    const [acme, globex] = config.connections;
    expect(acme?.directory).toMatchObject({
      type: 'keycloak',
      clientSecret: { kind: 'file', path: '/run/secrets/keycloak' },
    });
    expect(globex?.idp).toMatchObject({
      kind: 'manual',
      certificates: [new X509Certificate(CERTIFICATE).toString()],
    });
    expect(config.roles[2]).toMatchObject({ role: 'admin', privileged: true, from: ['acme'] });
    const line = example?.split('\n').findIndex((text) => text.includes('role: admin')) ?? -1;
    expect(config.roles[2]?.source).toEqual({
      file: join(folder, 'rollcall.yaml'),
      line: line + 1,
    });
  });

  it('names every preset', () => {
    for (const preset of PRESET_NAMES) expect(guide).toContain(`| \`${preset}\` |`);
  });
});
