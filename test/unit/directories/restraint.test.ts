import { DirectoryError } from '@rollcall/sweeper/directories/directory-error';
import { HttpClient } from '@rollcall/sweeper/directories/http-client';
import type { Pace } from '@rollcall/sweeper/directories/pace';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  json,
  type Scripted,
  ScriptedServer,
} from '../../conformance/directories/scripted-server.ts';
import { VirtualTime } from '../../simulators/virtual-time.ts';

const SIGNAL = new AbortController().signal;

let server: ScriptedServer;
let time: VirtualTime;
let answer: (attempt: number) => Scripted;
beforeEach(async () => {
  time = new VirtualTime();
  server = await ScriptedServer.start(() => answer(server.requests.length));
});
afterEach(() => server.close());

function client(change: Partial<ConstructorParameters<typeof HttpClient>[0]> = {}): HttpClient {
  return new HttpClient({ baseUrl: server.url, timeoutMs: 10_000, time, ...change });
}

function limited(headers: Record<string, string>): Scripted {
  return { ...json(429, {}), headers };
}

describe('a directory that asks to be left alone', () => {
  it('is told to everybody who shares its pace, by whatever request it said so', async () => {
    const held: number[] = [];
    const pace: Pace = Object.assign(async () => undefined, {
      hold: async (durationMs: number) => {
        held.push(durationMs);
      },
    });
    answer = () => limited({ 'retry-after': '120' });
    await expect(client({ pace }).send({ target: '/users/1' }, SIGNAL)).rejects.toMatchObject({
      fault: 'rate_limited',
      refusal: 'retryable',
      retryAfterMs: 120_000,
    });
    expect(held).toEqual([120_000]);
  });

  it('is sent nothing by this client until then', async () => {
    const http = client();
    answer = (attempt) => (attempt === 1 ? limited({ 'retry-after': '120' }) : json(200, {}));
    await expect(http.send({ target: '/users/1' }, SIGNAL)).rejects.toThrow(DirectoryError);
    const second = http.send({ target: '/users/2' }, SIGNAL);
    await expect(second).rejects.toThrow('asked for a pause, of which 120 s are left');
    expect(server.requests).toHaveLength(1);
    time.sleepOverIt();
    await http.send({ target: '/users/2' }, SIGNAL);
    expect(server.requests).toHaveLength(2);
  });

  it('is waited for as long as the caller has patience', async () => {
    answer = (attempt) => (attempt === 1 ? limited({ 'retry-after': '60' }) : json(200, {}));
    await client({ patienceMs: 75_000 }).send({ target: '/users' }, SIGNAL);
    expect(time.waits).toEqual([60_000]);
    answer = () => limited({ 'retry-after': '60' });
    const twice = client({ patienceMs: 75_000 }).send({ target: '/users' }, SIGNAL);
    await expect(twice).rejects.toMatchObject({ fault: 'rate_limited' });
  });

  it('is not asked again before its window begins anew', async () => {
    const spent = {
      'x-rate-limit-remaining': '0',
      'x-rate-limit-reset': '30',
    };
    answer = () => ({ ...json(200, {}), headers: spent });
    const http = client({ patienceMs: 75_000 });
    await http.send({ target: '/users' }, SIGNAL);
    await http.send({ target: '/users' }, SIGNAL);
    expect(time.waits).toEqual([30_000]);
  });
});

it('sends so many requests at once and no more, and loses no turn to whoever gives up', async () => {
  let [underWay, most] = [0, 0];
  const waiting: (() => void)[] = [];
  const http = client({
    atOnce: 3,
    fetch: async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise<void>((resolve) => waiting.push(resolve));
      underWay -= 1;
      return Response.json({});
    },
  });
  const controller = new AbortController();
  const sent = Array.from({ length: 12 }, (_, n) =>
    http.send({ target: '/users' }, n === 5 ? controller.signal : SIGNAL),
  );
  controller.abort(new Error('no longer needed'));
  const settled = Promise.allSettled(sent);
  for (let answered = 0; answered < 11; ) {
    await new Promise((resolve) => setImmediate(resolve));
    const next = waiting.shift();
    if (next === undefined) continue;
    next();
    answered += 1;
  }
  const outcomes = (await settled).map(({ status }) => status);
  expect(outcomes.filter((status) => status === 'rejected')).toHaveLength(1);
  expect(most).toBe(3);
});

describe('a refusal', () => {
  it.each<[number, string]>([
    [400, 'unknown'],
    [401, 'permission'],
    [403, 'permission'],
    [404, 'gone'],
    [410, 'gone'],
    [429, 'retryable'],
    [500, 'retryable'],
    [501, 'unknown'],
    [503, 'retryable'],
  ])('of %d is %s', async (status, refusal) => {
    answer = () => json(status, {});
    const sent = client().send({ target: '/users' }, SIGNAL);
    await expect(sent).rejects.toMatchObject({ refusal });
  });

  it('is what the vendor says it is, and repeats only codes', async () => {
    answer = () => json(403, { reason: 'quotaExceeded', text: 'a secret' });
    const http = client({
      readRefusal: ({ body }) => {
        const { reason, text } = body as { reason: string; text: string };
        return { fault: 'rate_limited', code: server.requests.length === 3 ? text : reason };
      },
    });
    const error = await http.send({ target: '/users' }, SIGNAL).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ fault: 'rate_limited', refusal: 'retryable' });
    expect(String(error)).not.toContain('secret');
    expect(server.requests).toHaveLength(3);
  });
});
