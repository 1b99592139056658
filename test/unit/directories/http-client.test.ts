import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { Credentials } from '@rollcall/sweeper/directories/credentials';
import { DirectoryError } from '@rollcall/sweeper/directories/directory-error';
import { HttpClient, type HttpRequest } from '@rollcall/sweeper/directories/http-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  closedUrl,
  htmlPage,
  json,
  type Scripted,
  ScriptedServer,
} from '../../conformance/directories/scripted-server.ts';

let server: ScriptedServer;
let answer: (attempt: number) => Scripted;
beforeEach(async () => {
  server = await ScriptedServer.start(() => answer(server.requests.length));
});
afterEach(() => server.close());

function client(change: Partial<ConstructorParameters<typeof HttpClient>[0]> = {}): HttpClient {
  return new HttpClient({ baseUrl: `${server.url}/api/v2`, timeoutMs: 500, ...change });
}

const SIGNAL = new AbortController().signal;

async function failure(http: HttpClient, request: HttpRequest): Promise<DirectoryError> {
  const outcome = await http.send(request, SIGNAL).catch((error: unknown) => error);
  if (!(outcome instanceof DirectoryError)) expect.fail(`received ${JSON.stringify(outcome)}`);
  return outcome;
}

describe('where it sends requests', () => {
  beforeEach(() => {
    answer = () => json(200, {});
  });

  it('asks below its base, with the query that it is given', async () => {
    await client().send({ target: '/Users?a=1', query: { b: 'x y&z' } }, SIGNAL);
    const [request] = server.requests;
    expect(request?.path).toBe('/api/v2/Users');
    expect([...(request?.query ?? [])]).toEqual([
      ['a', '1'],
      ['b', 'x y&z'],
    ]);
  });

  it('follows a link on its own origin as it stands', async () => {
    await client().send({ target: `${server.url}/elsewhere?after=a%2Fb` }, SIGNAL);
    expect(server.requests[0]?.path).toBe('/elsewhere');
    expect(server.requests[0]?.query.get('after')).toBe('a/b');
  });

  it.each([
    ['another host', 'http://localhost:1/next'],
    ['another port', 'http://127.0.0.1:1/next'],
    ['another scheme', 'https://127.0.0.1/next'],
    ['a file', 'file:///etc/passwd'],
    ['no URL', 'next page'],
  ])('does not follow a link to %s', async (_name, target) => {
    expect(['cursor_broken', 'malformed_answer']).toContain(
      (await failure(client(), { target })).fault,
    );
    expect(server.requests).toHaveLength(0);
  });

  it('does not take a path with two slashes for another host', async () => {
    await client({ baseUrl: server.url }).send({ target: '//evil.example/x' }, SIGNAL);
    expect(server.requests[0]?.path).toBe('//evil.example/x');
  });

  it('follows no redirect, and sends its credentials nowhere else', async () => {
    const other = await ScriptedServer.start(() => json(200, {}));
    for (const status of [301, 302, 303, 307, 308]) {
      answer = () => ({ ...json(status, {}), headers: { location: `${other.url}/` } });
      const error = await failure(client({ credentials: fixed('secret') }), { target: '/' });
      expect(error.fault).toBe('request_failed');
      expect(error.message).toContain('redirect');
    }
    expect(other.requests).toHaveLength(0);
    await other.close();
  });
});

describe('what it makes of answers', () => {
  it.each<[number, string]>([
    [400, 'request_failed'],
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [404, 'request_failed'],
    [501, 'request_failed'],
  ])('throws on %d at once', async (status, fault) => {
    answer = () => json(status, {});
    expect((await failure(client(), { target: '/Users' })).fault).toBe(fault);
    expect(server.requests).toHaveLength(1);
  });

  it('hands over a status that is expected, with its body where that is JSON', async () => {
    answer = () => json(404, { error: 'gone' }, 'Application/SCIM+json; charset=utf-8');
    const found = await client().send({ target: '/Users/x', expects: [404] }, SIGNAL);
    expect(found).toMatchObject({
      status: 404,
      mediaType: 'application/scim+json',
      body: { error: 'gone' },
    });
    answer = () => htmlPage(404);
    const page = await client().send({ target: '/Users/x', expects: [404] }, SIGNAL);
    expect(page).toMatchObject({ status: 404, mediaType: 'text/html', body: undefined });
  });

  it.each<[string, Scripted]>([
    ['HTML', htmlPage(200)],
    ['nothing', { status: 200, body: '' }],
    ['half an object', { ...json(200, {}), body: '{"a":' }],
    ['two objects', { ...json(200, {}), body: '{}{}' }],
  ])('throws on 200 with %s', async (_name, scripted) => {
    answer = () => scripted;
    expect((await failure(client(), { target: '/' })).fault).toBe('malformed_answer');
    expect(server.requests).toHaveLength(1);
  });

  it('reads no more than the largest answer that it accepts', async () => {
    answer = () => json(200, 'x'.repeat(998));
    await expect(client({ maxBytes: 1_000 }).send({ target: '/' }, SIGNAL)).resolves.toBeDefined();
    const error = await failure(client({ maxBytes: 999 }), { target: '/' });
    expect(error.fault).toBe('malformed_answer');
    expect(error.message).toContain('999 bytes');
  });

  it('counts the bytes of a compressed answer as they unfold', async () => {
    const bomb = createServer((socket) => {
      const body = gzipSync(Buffer.alloc(50_000_000, 0x20));
      socket.on('error', () => {});
      socket.once('data', () => {
        const head = `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${body.length}`;
        socket.write(`${head}\r\n\r\n`);
        socket.end(body);
      });
    });
    await new Promise<void>((resolve) => bomb.listen(0, '127.0.0.1', resolve));
    const { port } = bomb.address() as AddressInfo;
    const http = client({ baseUrl: `http://127.0.0.1:${port}`, timeoutMs: 5_000 });
    const error = await failure(http, { target: '/' });
    expect(error.fault).toBe('malformed_answer');
    await new Promise((resolve) => bomb.close(resolve));
  });
});

describe('trying again', () => {
  it.each([408, 429, 500, 502, 503, 504])('tries twice more after %d', async (status) => {
    answer = () => json(status, {});
    const error = await failure(client({ timeoutMs: 2_000 }), { target: '/Users' });
    expect(error.message).toContain('tried 3 times');
    expect(server.requests).toHaveLength(3);
  });

  it('succeeds where a failure passes', async () => {
    answer = (attempt) => (attempt < 3 ? json(503, {}) : json(200, { ok: true }));
    const found = await client({ timeoutMs: 2_000 }).send({ target: '/' }, SIGNAL);
    expect(found.body).toEqual({ ok: true });
  });

  it('tries again after a connection that broke off', async () => {
    answer = (attempt) => (attempt === 1 ? { cut: json(200, { a: 'b' }) } : json(200, {}));
    await client({ timeoutMs: 2_000 }).send({ target: '/' }, SIGNAL);
    expect(server.requests).toHaveLength(2);
  });

  it('waits as long as it was asked to', async () => {
    const limited = { ...json(429, {}), headers: { 'retry-after': '0.6' } };
    answer = (attempt) => (attempt === 1 ? limited : json(200, {}));
    const before = performance.now();
    await client({ timeoutMs: 2_000 }).send({ target: '/' }, SIGNAL);
    expect(performance.now() - before).toBeGreaterThanOrEqual(599);
  });

  it('gives up at once where it was asked to wait longer than it has time', async () => {
    answer = () => ({ ...json(429, {}), headers: { 'retry-after': '3600' } });
    const error = await failure(client(), { target: '/' });
    expect(error).toMatchObject({ fault: 'rate_limited', retryAfterMs: 3_600_000 });
    expect(server.requests).toHaveLength(1);
  });

  it('ends within its budget where nobody answers', async () => {
    answer = () => 'hang';
    const before = performance.now();
    const error = await failure(client({ timeoutMs: 300, budgetMs: 500 }), { target: '/' });
    expect(error.fault).toBe('timed_out');
    expect(performance.now() - before).toBeLessThan(2_000);
  });

  it('does not wait for a body that trickles', async () => {
    const slow = createServer((socket) => {
      socket.on('error', () => {});
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n');
      const timer = setInterval(() => socket.write(' '), 50);
      socket.on('close', () => clearInterval(timer));
    });
    await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
    const { port } = slow.address() as AddressInfo;
    const http = client({ baseUrl: `http://127.0.0.1:${port}`, timeoutMs: 300, retries: 0 });
    expect((await failure(http, { target: '/' })).fault).toBe('timed_out');
    await new Promise((resolve) => slow.close(resolve));
  });

  it('stops with the reason of its caller, while it asks and while it waits', async () => {
    const reason = new Error('no longer needed');
    for (const scripted of [
      'hang',
      { ...json(503, {}), headers: { 'retry-after': '1' } },
    ] as const) {
      answer = () => scripted;
      const controller = new AbortController();
      setTimeout(() => controller.abort(reason), 150);
      const sent = client({ timeoutMs: 5_000 }).send({ target: '/' }, controller.signal);
      await expect(sent).rejects.toBe(reason);
    }
  });
});

describe('what cannot be reached', () => {
  it('names a refused connection', async () => {
    const baseUrl = await closedUrl();
    const error = await failure(client({ baseUrl }), { target: '/x?s=hidden' });
    expect(error.fault).toBe('request_failed');
    expect(error.message).toContain(`GET ${baseUrl}/x could not be asked (ECONNREFUSED)`);
    expect(error.message).not.toContain('hidden');
  });

  it('names a port to which HTTP clients do not connect', async () => {
    const error = await failure(client({ baseUrl: 'http://127.0.0.1:1' }), { target: '/' });
    expect(error.message).toContain('could not be asked (bad port)');
  });

  it('does not try again where TLS fails', async () => {
    answer = () => json(200, {});
    const baseUrl = server.url.replace('http:', 'https:');
    const error = await failure(client({ baseUrl }), { target: '/' });
    expect(error.fault).toBe('request_failed');
    expect(error.message).toMatch(/TLS \([A-Z_0-9]+\)\.$/);
  });
});

describe('credentials', () => {
  it('sends them, and asks for others once after a 401', async () => {
    let issued = 0;
    const credentials: Credentials = {
      authorize: async () => `Bearer token-${++issued}`,
      discard: () => true,
    };
    answer = (attempt) => (attempt === 1 ? json(401, {}) : json(200, {}));
    await client({ credentials }).send({ target: '/' }, SIGNAL);
    expect(server.requests.map(({ authorization }) => authorization)).toEqual([
      'Bearer token-1',
      'Bearer token-2',
    ]);
    answer = () => json(401, {});
    expect((await failure(client({ credentials }), { target: '/' })).fault).toBe('unauthorized');
    expect(server.requests).toHaveLength(4);
  });

  it('does not ask again where there are no others', async () => {
    answer = () => json(401, {});
    await failure(client({ credentials: fixed('x') }), { target: '/' });
    expect(server.requests).toHaveLength(1);
  });
});

function fixed(token: string): Credentials {
  return { authorize: async () => `Bearer ${token}`, discard: () => false };
}
