import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { DirectoryError } from '@rollcall/sweeper/directories/directory-error';
import { HttpClient } from '@rollcall/sweeper/directories/http-client';
import { fetchOf } from '@rollcall/sweeper/directories/proxied-fetch';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { json, ScriptedServer } from '../../conformance/directories/scripted-server.ts';

/** A proxy that leads every name to one server, and writes down what it was asked for. */
let proxy: Server;
let asked: string[];
let directory: ScriptedServer;
let proxyUrl: string;
beforeEach(async () => {
  asked = [];
  directory = await ScriptedServer.start(() => json(200, { ok: true }));
  proxy = createServer();
  proxy.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    const onward = connect(Number(new URL(directory.url).port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    for (const end of [socket, onward]) end.on('error', () => end.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
});
afterEach(async () => {
  await directory.close();
  proxy.closeAllConnections();
  await new Promise((resolve) => proxy.close(resolve));
});

function ask(baseUrl: string, env: Record<string, string>) {
  const http = new HttpClient({ baseUrl, timeoutMs: 20_000, retries: 0, fetch: fetchOf(env) });
  return http.send({ target: '/users' }, AbortSignal.timeout(25_000));
}

it('goes through the proxy of the environment', async () => {
  const { body } = await ask('http://idp.example', { HTTP_PROXY: proxyUrl });
  expect(body).toEqual({ ok: true });
  expect(asked).toEqual(['CONNECT idp.example:80']);
});

it('asks directly what NO_PROXY names, and this machine always', async () => {
  await ask(directory.url, { HTTP_PROXY: proxyUrl, HTTPS_PROXY: proxyUrl });
  const elsewhere = ask('http://idp.invalid', { HTTP_PROXY: proxyUrl, NO_PROXY: '.invalid' });
  await expect(elsewhere).rejects.toThrow(DirectoryError);
  expect(asked).toEqual([]);
});

it('trusts no server for being behind a proxy', async () => {
  const refused = ask('https://idp.example', { HTTPS_PROXY: proxyUrl });
  await expect(refused).rejects.toThrow(/could not be (?:trusted|asked)/);
  expect(asked).toEqual(['CONNECT idp.example:443']);
  expect(directory.requests).toEqual([]);
});
