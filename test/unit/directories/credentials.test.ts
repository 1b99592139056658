import { AppError } from '@rollcall/shared/core/errors';
import { bySecret } from '@rollcall/sweeper/directories/client-authentication';
import { ClientCredentials } from '@rollcall/sweeper/directories/client-credentials';
import { BearerToken } from '@rollcall/sweeper/directories/credentials';
import { SYSTEM_TIME } from '@rollcall/sweeper/directories/http-time';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  json,
  type Scripted,
  ScriptedServer,
} from '../../conformance/directories/scripted-server.ts';

const SIGNAL = new AbortController().signal;
const SECRET = 'very-secret';

describe('a configured token', () => {
  it('is read once, and again after it was refused', async () => {
    let reads = 0;
    const token = new BearerToken(async () => `token-${++reads}`);
    expect(await token.authorize()).toBe('Bearer token-1');
    expect(await token.authorize()).toBe('Bearer token-1');
    expect(token.discard()).toBe(true);
    expect(await token.authorize()).toBe('Bearer token-2');
  });

  it.each(['two words', 'line\nbreak', 'naïve', ''])(
    'is not sent where it is %j',
    async (secret) => {
      const outcome = new BearerToken(async () => secret).authorize();
      await expect(outcome).rejects.toMatchObject({ fault: 'unauthorized' });
      if (secret !== '') await expect(outcome).rejects.not.toThrow(secret);
    },
  );

  it('is a refusal where it cannot be read, with the reason', async () => {
    const token = new BearerToken(async () => {
      throw new AppError('config.secret_missing', 'The secret env:TOKEN is missing.');
    });
    await expect(token.authorize()).rejects.toMatchObject({
      fault: 'unauthorized',
      message: 'Cannot read the token. The secret env:TOKEN is missing.',
    });
  });
});

describe('client credentials', () => {
  let server: ScriptedServer;
  let answer: () => Scripted;
  let now = 0;
  let issued = 0;
  beforeEach(async () => {
    now = 0;
    issued = 0;
    answer = () => json(200, issue({ expires_in: 300 }));
    server = await ScriptedServer.start(() => answer());
  });
  afterEach(() => server.close());

  function issue(more: object = {}): object {
    return { access_token: `token-${++issued}`, token_type: 'bearer', ...more };
  }

  function open(): ClientCredentials {
    return new ClientCredentials({
      baseUrl: server.url,
      tokenPath: '/token',
      clientId: 'sweeper',
      authenticate: bySecret('sweeper', async () => SECRET),
      timeoutMs: 1_000,
      time: { ...SYSTEM_TIME, now: () => now },
    });
  }

  it('asks as RFC 6749 §4.4 has it, with nothing secret in the URL', async () => {
    await open().token(SIGNAL);
    const [request] = server.requests;
    expect(request?.method).toBe('POST');
    expect(request?.query.size).toBe(0);
    expect(Object.fromEntries(request?.form ?? [])).toEqual({
      grant_type: 'client_credentials',
      client_id: 'sweeper',
      client_secret: SECRET,
    });
  });

  it('keeps a token until shortly before it expires', async () => {
    const credentials = open();
    expect(await credentials.token(SIGNAL)).toBe('token-1');
    now = 269_000;
    expect(await credentials.token(SIGNAL)).toBe('token-1');
    now = 270_000;
    expect(await credentials.token(SIGNAL)).toBe('token-2');
  });

  it('keeps a short token for four fifths of its life', async () => {
    answer = () => json(200, issue({ expires_in: 10 }));
    const credentials = open();
    await credentials.token(SIGNAL);
    now = 7_999;
    expect(await credentials.token(SIGNAL)).toBe('token-1');
    now = 8_000;
    expect(await credentials.token(SIGNAL)).toBe('token-2');
  });

  it('keeps a token of unsaid life for less than a minute', async () => {
    answer = () => json(200, issue());
    const credentials = open();
    await credentials.token(SIGNAL);
    now = 60_000;
    expect(await credentials.token(SIGNAL)).toBe('token-2');
  });

  it('asks once for many that need a token together, and again after a failure', async () => {
    const credentials = open();
    answer = () => json(400, { error: 'invalid_client' });
    const failed = await Promise.allSettled([credentials.token(SIGNAL), credentials.token(SIGNAL)]);
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(server.requests).toHaveLength(1);
    answer = () => json(200, issue({ expires_in: 300 }));
    const tokens = await Promise.all([1, 2, 3].map(() => credentials.token(SIGNAL)));
    expect(tokens).toEqual(['token-1', 'token-1', 'token-1']);
    expect(server.requests).toHaveLength(2);
  });

  it('lets one caller give up without the others', async () => {
    const credentials = open();
    const controller = new AbortController();
    const reason = new Error('no longer needed');
    const [first, second] = [credentials.token(controller.signal), credentials.token(SIGNAL)];
    controller.abort(reason);
    await expect(first).rejects.toBe(reason);
    expect(await second).toBe('token-1');
  });

  it.each<[string, Scripted, string]>([
    ['a refused client', json(401, { error: 'invalid_client' }), 'unauthorized'],
    ['a bad request', json(400, { error: 'unauthorized_client' }), 'unauthorized'],
    ['no such realm', json(404, { error: 'Realm does not exist' }), 'request_failed'],
    ['no token', json(200, { token_type: 'bearer' }), 'malformed_answer'],
    [
      'another kind of token',
      json(200, { access_token: 'a', token_type: 'mac' }),
      'malformed_answer',
    ],
    [
      'a token that cannot be sent',
      json(200, { access_token: 'a\nb', token_type: 'bearer' }),
      'malformed_answer',
    ],
  ])('is at fault with %s', async (_name, scripted, fault) => {
    answer = () => scripted;
    await expect(open().token(SIGNAL)).rejects.toMatchObject({ fault });
  });

  it('repeats no secret that a server repeats', async () => {
    answer = () => json(401, { error: `no ${SECRET}`, error_description: SECRET });
    const error = await open()
      .token(SIGNAL)
      .catch((thrown: unknown) => thrown);
    expect(String(error)).toContain('status 401');
    expect(JSON.stringify([error, String(error), (error as Error).stack])).not.toContain(SECRET);
  });
});
