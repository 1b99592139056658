import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadIdentityProvider } from '@rollcall/jit-auth/saml/load-identity-provider';
import { toEpochMs } from '@rollcall/shared/core/time';
import { afterEach, describe, expect, test } from 'vitest';
import { writeMetadata } from '../../fixtures/saml/idp-metadata.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';

const key = await makeTestKey();
const small = await makeTestKey(1024);
const xml = writeMetadata({ certificates: [key.certificate] });
const now = toEpochMs(Date.now());
const patience = { attempts: 3, firstWaitMs: 10, timeoutMs: 500 };
const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** Serves each request with the next of these, the last one again and again. */
async function serve(...answers: RequestListener[]): Promise<{ url: string; asked: () => number }> {
  let asked = 0;
  const server = createServer((request, response) => {
    const answer = answers[Math.min(asked++, answers.length - 1)];
    answer?.(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/metadata?token=hidden`, asked: () => asked };
}

const good: RequestListener = (_, response) => response.end(xml);
const fail =
  (status: number): RequestListener =>
  (_, response) =>
    response.writeHead(status).end('no');
const load = async (url: string, allowPrivateAddress = false) => {
  const source = { kind: 'metadata_url' as const, url, pins: [], allowPrivateAddress };
  return (await loadIdentityProvider(source, now, patience)).idp;
};

describe('metadata from an address', () => {
  test('is fetched', async () => {
    const { url, asked } = await serve(good);
    expect((await load(url)).entityId).toBe('https://idp.example.com/metadata');
    expect(asked()).toBe(1);
  });

  test.each([500, 503, 429])('is asked for again after %i', async (status) => {
    const { url, asked } = await serve(fail(status), fail(status), good);
    expect((await load(url)).ssoUrl).toBe('https://idp.example.com/sso');
    expect(asked()).toBe(3);
  });

  test('is asked for again after a connection that broke', async () => {
    const { url, asked } = await serve((request) => request.socket.destroy(), good);
    expect((await load(url)).ssoUrl).toBe('https://idp.example.com/sso');
    expect(asked()).toBe(2);
  });

  test('is given up after a few attempts; the query stays out of the message', async () => {
    const { url, asked } = await serve(fail(503));
    const failure = await load(url).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'saml.metadata_unreachable',
      detail: { received: 'status 503' },
    });
    expect(String(failure)).not.toContain('hidden');
    expect(asked()).toBe(3);
  });

  test.each([400, 401, 403, 404])('is not asked for again after %i', async (status) => {
    const { url, asked } = await serve(fail(status));
    await expect(load(url)).rejects.toMatchObject({ code: 'saml.metadata_unreachable' });
    expect(asked()).toBe(1);
  });

  test('is not looked for elsewhere', async () => {
    const target = await serve(good);
    const { url, asked } = await serve((_, response) =>
      response.writeHead(302, { location: target.url }).end(),
    );
    await expect(load(url)).rejects.toMatchObject({ code: 'saml.metadata_redirected' });
    expect([asked(), target.asked()]).toEqual([1, 0]);
  });

  test('is given up where it does not come in time, whether it begins or not', async () => {
    const silent = await serve(() => undefined);
    await expect(load(silent.url)).rejects.toMatchObject({ code: 'saml.metadata_unreachable' });
    expect(silent.asked()).toBe(3);
    const slow = await serve((_, response) => response.write('<a>'));
    await expect(load(slow.url)).rejects.toMatchObject({ code: 'saml.metadata_unreachable' });
  });

  test('is cut off at 1 MB', async () => {
    let sent = 0;
    const { url, asked } = await serve((_, response) => {
      const pump = () => {
        while (!response.destroyed && sent < 1024 * 1024 * 1024) {
          sent += 65_536;
          if (!response.write('x'.repeat(65_536))) return void response.once('drain', pump);
        }
      };
      pump();
    });
    await expect(load(url)).rejects.toMatchObject({ code: 'saml.metadata_too_large' });
    expect(asked()).toBe(1);
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  test('is refused where it is something else', async () => {
    const { url, asked } = await serve((_, response) => response.end('<html>sign in</html>'));
    await expect(load(url)).rejects.toMatchObject({ code: 'saml.metadata_no_entity' });
    expect(asked()).toBe(1);
  });

  test('is refused where nobody listens', async () => {
    await expect(load('http://127.0.0.1:1/metadata')).rejects.toMatchObject({
      code: 'saml.metadata_unreachable',
    });
  });
});

describe('metadata from a file', () => {
  test('is read, and refused where it is missing, too large or no file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-metadata-'));
    const path = join(folder, 'idp.xml');
    const read = async (file: string) =>
      (await loadIdentityProvider({ kind: 'metadata_file', path: file, pins: [] }, now)).idp;
    await writeFile(path, xml);
    expect((await read(path)).entityId).toBe('https://idp.example.com/metadata');
    await writeFile(path, `${xml}<!--${'x'.repeat(1024 * 1024)}-->`);
    await expect(read(path)).rejects.toMatchObject({ code: 'saml.metadata_too_large' });
    await expect(read(join(folder, 'none'))).rejects.toMatchObject({
      code: 'saml.metadata_unreadable',
    });
    await expect(read(folder)).rejects.toMatchObject({ code: 'saml.metadata_unreadable' });
    await rm(folder, { recursive: true });
  });
});

describe('the configuration itself', () => {
  test('may hold the metadata, or its parts', async () => {
    const { idp: inline } = await loadIdentityProvider({ kind: 'metadata', xml }, now);
    const { entityId, ssoUrl, certificates, logoutEndpoints } = inline;
    const sloUrl = logoutEndpoints[0]?.url ?? null;
    const parts = { kind: 'manual', entityId, ssoUrl, sloUrl, certificates } as const;
    expect((await loadIdentityProvider(parts, now)).idp).toEqual(inline);
    await expect(
      loadIdentityProvider({ ...parts, certificates: [small.certificate] }, now),
    ).rejects.toMatchObject({ code: 'saml.metadata_unusable_key' });
  });
});
