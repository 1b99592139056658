import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bareApp } from '@rollcall/cli/compose/bare-app';
import type { JitAuth } from '@rollcall/jit-auth';
import { describe, expect, it, onTestFinished } from 'vitest';

/** What the service takes for the address of a request that this machine passes on. */
async function addressSeen(publicUrl: string, forwardedFor: string): Promise<string> {
  const auth: Pick<JitAuth, 'router' | 'errors'> = {
    router: (request, response) => void response.json(request.ip),
    errors: (error, _request, _response, next) => next(error),
  };
  const server = createServer(bareApp(auth, { publicUrl }));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const headers = { 'x-forwarded-for': forwardedFor };
  const response = await fetch(`http://127.0.0.1:${port}/x`, { headers });
  return (await response.json()) as string;
}

describe('the service behind a proxy', () => {
  it('takes the address that the nearest proxy saw, and not what a client claims', async () => {
    const url = 'https://auth.example.com';
    expect(await addressSeen(url, '198.51.100.7')).toBe('198.51.100.7');
    expect(await addressSeen(url, '10.1.2.3, 198.51.100.7')).toBe('198.51.100.7');
    // Two proxies of ours: the second is known by its private address.
    expect(await addressSeen(url, '192.0.2.66, 198.51.100.7, 10.0.0.2')).toBe('198.51.100.7');
  });

  it('believes nobody where it is reached without one', async () => {
    expect(await addressSeen('http://localhost:3000', '198.51.100.7')).toBe('127.0.0.1');
  });
});
