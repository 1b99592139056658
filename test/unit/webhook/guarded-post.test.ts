import { once } from 'node:events';
import { createServer as createPlain } from 'node:http';
import { createServer as createSecure } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type PostPlace, postGuarded } from '@rollcall/shared/http/guarded-post';
import type { Resolver } from '@rollcall/shared/http/public-address';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const POST = { headers: {}, body: '{}' };
const patience = () => AbortSignal.timeout(5_000);

let port = 0;
let securePort = 0;
let asked: string[] = [];
const closers: (() => void)[] = [];

beforeAll(async () => {
  const plain = createPlain((request, response) => {
    asked.push(request.url ?? '');
    if (request.url === '/redirect') {
      response.writeHead(302, { location: `http://127.0.0.1:${port}/elsewhere` }).end();
    } else if (request.url === '/flood') {
      response.writeHead(200);
      const more = setInterval(() => response.write('x'.repeat(64 * 1024)), 1);
      response.on('close', () => clearInterval(more));
    } else if (request.url !== '/hang') response.writeHead(204).end();
  });
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }]);
  const secure = createSecure({ key, cert }, (_request, response) => response.writeHead(204).end());
  for (const server of [plain, secure]) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => {
      server.closeAllConnections();
      server.close();
    });
  }
  port = (plain.address() as AddressInfo).port;
  securePort = (secure.address() as AddressInfo).port;
});
afterAll(() => {
  for (const close of closers) close();
});

const placeOf = (url: string, more: Partial<PostPlace> = {}): PostPlace => ({
  url: new URL(url),
  allowPrivate: false,
  allowHttp: false,
  ...more,
});
const resolving = (...addresses: string[]) =>
  ((_name: string, _options: object, callback: (...args: unknown[]) => void) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )) as unknown as Resolver;

describe('an address that leads inside', () => {
  test.each([
    ['https://10.0.0.1/', []],
    ['https://192.168.1.1/', []],
    ['https://172.16.0.1/', []],
    ['https://100.64.0.1/', []],
    ['https://169.254.169.254/latest/meta-data', []],
    ['https://0x7f000001.example/', ['127.0.0.1']],
    ['https://2130706433/', null],
    ['https://[::ffff:10.0.0.1]/', []],
    ['https://[fd00::1]/', []],
    ['https://0.0.0.0/', []],
    ['https://hook.example/', ['10.0.0.1']],
    ['https://hook.example/', ['8.8.8.8', '127.0.0.1']],
    ['https://hook.example/', ['::1']],
    ['https://hook.example/', ['64:ff9b::10.0.0.1']],
    ['https://localhost.example/', ['127.0.0.1']],
  ])('%s, resolved to %j, is not asked', async (url, addresses) => {
    const resolve = resolving(...(addresses ?? ['127.0.0.1']));
    // 2130706433 is 127.0.0.1, which may be written; nothing listens there.
    const code = addresses === null ? 'webhook.unreachable' : 'webhook.private_address';
    await expect(postGuarded(placeOf(url, { resolve }), POST, patience())).rejects.toMatchObject({
      code,
    });
  });

  test('is asked where that is allowed, but for what is nobody’s service', async () => {
    const resolve = resolving('127.0.0.1');
    const inside = placeOf(`http://hook.example:${port}/`, {
      resolve,
      allowPrivate: true,
      allowHttp: true,
    });
    await expect(postGuarded(inside, POST, patience())).resolves.toMatchObject({ status: 204 });
    const metadata = placeOf('https://169.254.169.254/', { allowPrivate: true });
    await expect(postGuarded(metadata, POST, patience())).rejects.toMatchObject({
      code: 'webhook.private_address',
    });
  });

  test('is not asked after a redirect, which nobody follows', async () => {
    asked = [];
    const answer = await postGuarded(
      placeOf(`http://127.0.0.1:${port}/redirect`),
      POST,
      patience(),
    );
    expect(answer.status).toBe(302);
    expect(asked).toEqual(['/redirect']);
  });
});

describe('the way there', () => {
  test('is https, or http to this machine, or http where it is allowed', async () => {
    const plain = placeOf('http://hook.example/');
    await expect(postGuarded(plain, POST, patience())).rejects.toMatchObject({
      code: 'webhook.not_https',
    });
    const here = placeOf(`http://127.0.0.1:${port}/`);
    await expect(postGuarded(here, POST, patience())).resolves.toMatchObject({ status: 204 });
  });

  test('needs a certificate that somebody vouches for', async () => {
    const place = placeOf(`https://localhost:${securePort}/`);
    await expect(postGuarded(place, POST, patience())).rejects.toMatchObject({
      code: 'webhook.unreachable',
    });
  });

  test('is in no error beyond the host: path and query may be a secret', async () => {
    const error = await postGuarded(
      placeOf('https://10.0.0.1/services/T0/B0/s3cret?token=s3cret'),
      POST,
      patience(),
    ).catch((caught: unknown) => caught);
    expect(JSON.stringify([error, Object(error).message])).not.toContain('s3cret');
  });
});

describe('an answer', () => {
  test('without end counts by its status, and is cut off', async () => {
    const flood = placeOf(`http://127.0.0.1:${port}/flood`);
    await expect(postGuarded(flood, POST, patience())).resolves.toMatchObject({ status: 200 });
  });

  test('that does not come is not waited for for ever', async () => {
    const hang = placeOf(`http://127.0.0.1:${port}/hang`);
    await expect(postGuarded(hang, POST, AbortSignal.timeout(100))).rejects.toMatchObject({
      code: 'webhook.unreachable',
      message: expect.stringContaining('no answer in time'),
    });
  });
});
