import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { demoApp } from '@rollcall/demo-app';
import { type JitAuth, jitAuth } from '@rollcall/jit-auth';
import { createLog } from '@rollcall/shared/telemetry/log';
import type { Redis as Client } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { redisOrNull } from '../../setup/redis.ts';
import { type Stack, startStack } from '../../support/stack.ts';

const require = createRequire(
  new URL('../../../packages/shared/src/engine/engine.ts', import.meta.url),
);
const { Redis } = require('ioredis') as { Redis: typeof Client };

/** Longer than any patience of ours, in milliseconds. */
const TOO_LONG = 15_000;

/** A wire that can be frozen: open, and silent, as behind a firewall that drops packets. */
interface Wire {
  readonly port: number;
  freeze(): void;
  cut(): void;
}

async function layWire(host: string, port: number): Promise<Wire> {
  let frozen = false;
  const sockets = new Set<Socket>();
  const server = createTcpServer((near) => {
    const far = connect(port, host);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => undefined);
      from.on('data', (bytes) => frozen || to.write(bytes));
      from.on('close', () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    freeze: () => {
      frozen = true;
    },
    cut: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

describe('a store that is there and says nothing', () => {
  let stack: Stack;
  const closing: (() => unknown)[] = [];
  beforeAll(async () => {
    stack = await startStack();
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });
  afterAll(() => stack.close());

  async function serve(auth: JitAuth): Promise<string> {
    const server = createServer(demoApp(auth, { directoryUrl: null }));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => server.closeAllConnections());
    closing.push(() => server.close());
    closing.push(() => auth.close().catch(() => undefined));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/saml/demo/login`;
  }

  async function statusOf(url: string): Promise<number | 'no answer'> {
    const signal = AbortSignal.timeout(TOO_LONG);
    return fetch(url, { redirect: 'manual', signal }).then(
      (answer) => answer.status,
      () => 'no answer' as const,
    );
  }

  it('Postgres: the request is refused, and does not wait for ever', async () => {
    const address = new URL(stack.env.DATABASE_URL ?? '');
    const wire = await layWire(address.hostname, Number(address.port || 5432));
    address.host = `127.0.0.1:${wire.port}`;
    const env = { ...stack.env, DATABASE_URL: address.href };
    const url = await serve(await jitAuth(stack.config, { env, log: createLog('silent') }));
    closing.unshift(wire.cut);
    expect(await statusOf(url)).toBe(302);
    wire.freeze();
    expect(await statusOf(url)).toBe(503);
  }, 40_000);

  it('Redis by a client of the host, made for BullMQ: the request is refused likewise', async () => {
    const fresh = await redisOrNull();
    if (fresh === null) throw new Error('no Redis is to be had');
    const address = new URL(fresh.url);
    const wire = await layWire(address.hostname, Number(address.port || 6379));
    address.host = `127.0.0.1:${wire.port}`;
    // What BullMQ asks of a client.
    const redis = new Redis(address.href, { maxRetriesPerRequest: null });
    redis.on('error', () => undefined);
    const options = { env: stack.env, redis, log: createLog('silent') };
    const url = await serve(await jitAuth(stack.config, options));
    closing.unshift(() => redis.disconnect(), wire.cut);
    expect(await statusOf(url)).toBe(302);
    wire.cut();
    expect(await statusOf(url)).toBe(503);
    await fresh.release();
  }, 40_000);
});
