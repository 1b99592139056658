import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { sessionCookieName } from '@rollcall/jit-auth/sessions/cookie-session';
import { toConnectionId } from '@rollcall/shared/core/ids';
import { after, toEpochMs } from '@rollcall/shared/core/time';
import { registerConnection } from '@rollcall/shared/db/connections';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { describeOnBothEngines, type FreshRedis, redisOrNull } from '../../setup/redis.ts';
import { type Gate, openGate } from '../../support/gate.ts';
import {
  admit,
  openScene,
  run,
  type Scene,
  START,
  SWEEP,
  signInOf,
  step,
} from '../access/people.ts';
import {
  type App,
  type AppOptions,
  cookieOf,
  HOUR,
  KEY,
  OLD_KEY,
  send,
  sidOf,
  startApp,
} from './app.ts';

/** Seconds from the beginning of the scene until now: sessions here begin at the present. */
const NOW = Math.floor((Date.now() - START) / 1000);

describeOnBothEngines('the browser’s session', (kind) => {
  let scene: Scene;
  let redis: FreshRedis | null = null;
  const opened: { close(): Promise<void> }[] = [];

  beforeAll(async () => {
    scene = await openScene();
    if (kind === 'redis') redis = await redisOrNull();
  });
  afterEach(async () => {
    for (const one of opened.splice(0).reverse()) await one.close();
  });
  afterAll(async () => {
    await redis?.release();
    await scene.drop();
  });

  async function start(options: Partial<AppOptions> = {}): Promise<App> {
    const urls = { databaseUrl: scene.url, redisUrl: redis?.url ?? null };
    const app = await startApp({ ...urls, ...options });
    opened.push(app);
    return app;
  }

  /** A row in `sessions` of somebody new, with the role analyst. */
  async function person(seconds = NOW) {
    return admit(scene, `u-${randomUUID()}`, ['analyst'], seconds);
  }

  function signIn(app: App, id: string, cookie?: string) {
    const more = cookie === undefined ? {} : { cookie };
    return send(`${app.url}/sign-in/${id}`, { method: 'POST', ...more });
  }

  async function who(app: App, cookie?: string) {
    const reply = await send(`${app.url}/who`, cookie === undefined ? {} : { cookie });
    return { status: reply.status, ...JSON.parse(reply.body) } as Record<string, unknown>;
  }

  /** How many sessions the store holds, whichever it is. */
  async function stored(): Promise<number> {
    if (redis === null) {
      const answer = await scene.pool.query('select count(*)::int as n from http_sessions');
      return answer.rows[0].n;
    }
    return keysIn(redis.url);
  }

  it('stands for the row that it was given, on every instance', async () => {
    const [one, other] = [await start(), await start()];
    const { user, session } = await person();
    const cookie = cookieOf(await signIn(one, session.id));
    for (const app of [one, other]) {
      expect(await who(app, cookie)).toMatchObject({
        kind: 'live',
        subject: user.subject,
        roles: ['analyst'],
      });
    }
  });

  it('is not made for whoever only looks', async () => {
    const app = await start();
    const before = await stored();
    for (let i = 0; i < 3; i++) {
      const reply = await send(`${app.url}/open`);
      expect(reply).toMatchObject({ status: 200, setCookie: [] });
    }
    expect(await who(app)).toMatchObject({ kind: 'none' });
    expect(await stored()).toBe(before);
  });

  describe('at sign-in', () => {
    it('gets a new id, and the one that was planted stands for nobody', async () => {
      const app = await start();
      const attacker = await person();
      const victim = await person();
      const planted = cookieOf(await signIn(app, attacker.session.id));
      const given = cookieOf(await signIn(app, victim.session.id, planted));
      expect(sidOf(given)).not.toBe(sidOf(planted));
      expect(await who(app, given)).toMatchObject({ subject: victim.user.subject });
      expect(await who(app, planted)).toMatchObject({ kind: 'none', subject: null });
    });

    it('takes no id that the browser chose, signed or not', async () => {
      const app = await start();
      const { session } = await person();
      const chosen = 'rollcall=s%3Achosen.signature';
      const given = cookieOf(await signIn(app, session.id, chosen));
      expect(sidOf(given)).not.toBe('chosen');
      expect(sidOf(given)).toMatch(/^[A-Za-z0-9_-]{32}$/);
    });

    it('gets ids that tell nothing of each other', async () => {
      const app = await start();
      const ids = new Set<string>();
      for (let i = 0; i < 20; i++) {
        ids.add(sidOf(cookieOf(await signIn(app, (await person()).session.id))));
      }
      expect(ids.size).toBe(20);
    });

    it('holds nothing of the person: only the id of the row', async () => {
      const app = await start();
      const { user, session } = await person();
      const cookie = cookieOf(await signIn(app, session.id));
      const held = await contentOf(scene, redis, sidOf(cookie));
      expect(held).toMatchObject({ rollcallSession: session.id });
      expect(Object.keys(held).sort()).toEqual(['cookie', 'rollcallSession']);
      expect(JSON.stringify(held)).not.toContain(user.subject);
    });
  });

  describe('at sign-out', () => {
    it('is destroyed, and the old cookie stands for nobody', async () => {
      const [app, other] = [await start(), await start()];
      const cookie = cookieOf(await signIn(app, (await person()).session.id));
      const before = await stored();
      const reply = await send(`${app.url}/sign-out`, { method: 'POST', cookie });
      expect(reply.status).toBe(204);
      expect(await stored()).toBe(before - 1);
      for (const one of [app, other])
        expect(await who(one, cookie)).toMatchObject({ kind: 'none' });
    });

    it('is not brought back by a request that was on its way', async () => {
      const app = await start();
      const cookie = cookieOf(await signIn(app, (await person()).session.id));
      await Promise.all([
        ...Array.from({ length: 10 }, () => who(app, cookie)),
        send(`${app.url}/sign-out`, { method: 'POST', cookie }),
        ...Array.from({ length: 10 }, () => who(app, cookie)),
      ]);
      expect(await who(app, cookie)).toMatchObject({ kind: 'none' });
    });

    it('is no error without a session', async () => {
      const app = await start();
      const reply = await send(`${app.url}/sign-out`, { method: 'POST' });
      expect(reply.status).toBe(204);
    });
  });

  describe('a cookie that was tampered with', () => {
    it.each<[string, (cookie: string) => string]>([
      ['without a signature', (c) => `rollcall=${sidOf(c)}`],
      [
        'with the mark of a signature alone',
        (c) => `rollcall=${encodeURIComponent(`s:${sidOf(c)}`)}`,
      ],
      ['with an empty signature', (c) => `rollcall=${encodeURIComponent(`s:${sidOf(c)}.`)}`],
      ['with one letter of the signature changed', changeLast],
      [
        'with another id under the signature',
        (c) => c.replace(sidOf(c), randomBytes(24).toString('base64url')),
      ],
      ['with a longer id under the signature', (c) => c.replace(sidOf(c), `${sidOf(c)}x`)],
      ['under another name', (c) => c.replace('rollcall=', '__Host-rollcall=')],
      ['as something that is no text', () => 'rollcall=%E0%A4%A'],
      ['empty', () => 'rollcall='],
      ['as JSON', () => `rollcall=${encodeURIComponent('j:{"rollcallSession":"x"}')}`],
    ])('stands for nobody: %s', async (_how, change) => {
      const app = await start();
      const cookie = cookieOf(await signIn(app, (await person()).session.id));
      expect(await who(app, cookie)).toMatchObject({ kind: 'live' });
      expect(await who(app, change(cookie))).toMatchObject({
        status: 200,
        kind: 'none',
        subject: null,
      });
    });

    it('stands for nobody when it was signed with another key', async () => {
      const [app, foreign] = [await start(), await start({ keys: [OLD_KEY] })];
      const cookie = cookieOf(await signIn(foreign, (await person()).session.id));
      expect(await who(foreign, cookie)).toMatchObject({ kind: 'live' });
      expect(await who(app, cookie)).toMatchObject({ kind: 'none' });
    });
  });

  describe('while keys are changed', () => {
    it('is accepted by the old key, and signed with the new one', async () => {
      const old = await start({ keys: [OLD_KEY] });
      const both = await start({ keys: [KEY, OLD_KEY] });
      const fresh = await start({ keys: [KEY] });
      const [before, afterwards] = [await person(), await person()];
      const oldCookie = cookieOf(await signIn(old, before.session.id));
      expect(await who(both, oldCookie)).toMatchObject({ subject: before.user.subject });
      const newCookie = cookieOf(await signIn(both, afterwards.session.id));
      expect(await who(fresh, newCookie)).toMatchObject({ subject: afterwards.user.subject });
      expect(await who(fresh, oldCookie)).toMatchObject({ kind: 'none' });
      expect(await who(old, newCookie)).toMatchObject({ kind: 'none' });
    });
  });

  describe('its cookie', () => {
    it('on http is httpOnly, lax, for the whole site, for as long as a session', async () => {
      const app = await start();
      const reply = await signIn(app, (await person()).session.id);
      const attributes = attributesOf(reply.setCookie[0]);
      expect(cookieOf(reply)).toMatch(/^rollcall=s%3A/);
      expect(attributes).toMatchObject({ Path: '/', HttpOnly: true, SameSite: 'Lax' });
      expect(attributes).not.toHaveProperty('Secure');
      expect(attributes).not.toHaveProperty('Domain');
      const life = Date.parse(String(attributes.Expires)) - Date.now();
      expect(life).toBeGreaterThan(8 * HOUR - 60_000);
      expect(life).toBeLessThanOrEqual(8 * HOUR);
    });

    it('on https is bound to the host and to https', async () => {
      const app = await start({ https: true });
      const reply = await send(`${app.url}/sign-in/${(await person()).session.id}`, {
        method: 'POST',
        headers: { 'x-forwarded-proto': 'https' },
      });
      expect(cookieOf(reply)).toMatch(/^__Host-rollcall=s%3A/);
      const attributes = attributesOf(reply.setCookie[0]);
      expect(attributes).toMatchObject({
        Path: '/',
        HttpOnly: true,
        SameSite: 'Lax',
        Secure: true,
      });
      expect(attributes).not.toHaveProperty('Domain');
    });

    it('is not sent over plain http where people come by https', async () => {
      const app = await start({ https: true });
      const reply = await signIn(app, (await person()).session.id);
      expect(reply.setCookie).toEqual([]);
    });

    it('counts only under its own name where people come by https', async () => {
      const app = await start({ https: true });
      const headers = { 'x-forwarded-proto': 'https' };
      const url = `${app.url}/sign-in/${(await person()).session.id}`;
      const cookie = cookieOf(await send(url, { method: 'POST', headers }));
      const secure = await send(`${app.url}/who`, { cookie, headers });
      expect(JSON.parse(secure.body)).toMatchObject({ kind: 'live' });
      // The name without its prefix is one that any neighbour could have set.
      const renamed = cookie.replace('__Host-rollcall=', 'rollcall=');
      expect(
        JSON.parse((await send(`${app.url}/who`, { cookie: renamed, headers })).body),
      ).toMatchObject({
        kind: 'none',
      });
    });

    it('is not sent again at every request', async () => {
      const app = await start();
      const cookie = cookieOf(await signIn(app, (await person()).session.id));
      expect((await send(`${app.url}/who`, { cookie })).setCookie).toEqual([]);
    });

    it.each([
      [true, '__Host-rollcall'],
      [false, 'rollcall'],
    ])('has its name by the transport: https %s', (https, name) => {
      expect(sessionCookieName(https)).toBe(name);
    });
  });

  describe('the row behind it', () => {
    it('ends it on every instance at the next request when the person is deactivated', async () => {
      const [one, other] = [await start(), await start()];
      const { user, session } = await person();
      const cookie = cookieOf(await signIn(one, session.id));
      await run(scene, step('deactivate', user.id), SWEEP, NOW + 1);
      for (const app of [one, other]) {
        expect(await who(app, cookie)).toMatchObject({
          kind: 'dead',
          why: 'deactivated',
          subject: null,
        });
      }
    });

    it('is asked for each time: a role that is lost is lost at once', async () => {
      const app = await start();
      const { user, session } = await person();
      const cookie = cookieOf(await signIn(app, session.id));
      await run(scene, signInOf(user.subject, ['editor'], NOW + 1), assertionOf(), NOW + 1);
      expect(await who(app, cookie)).toMatchObject({ kind: 'live', roles: ['editor'] });
    });

    it('by a connection that is trusted no more stands for nobody', async () => {
      const app = await start();
      const gone = toConnectionId('gone');
      await registerConnection(scene.db, gone, 'https://gone.example', START);
      const { session } = await admit(scene, `u-${randomUUID()}`, ['analyst'], NOW, {
        connectionId: gone,
      });
      const cookie = cookieOf(await signIn(app, session.id));
      expect(await who(app, cookie)).toMatchObject({ kind: 'dead', why: 'ended' });
    });

    it('that is revoked while many requests are on their way lets none in that begins later', async () => {
      const [one, other] = [await start(), await start()];
      const { user, session } = await person();
      const cookie = cookieOf(await signIn(one, session.id));
      const early = Array.from({ length: 20 }, (_, i) => who(i % 2 === 0 ? one : other, cookie));
      const end = { kind: 'end_sessions_of_user' as const, userId: user.id, evidence: {} };
      await run(scene, { ...end, reason: 'by_admin' }, { kind: 'operator', name: 'oda' }, NOW + 1);
      const late = Array.from({ length: 20 }, (_, i) => who(i % 2 === 0 ? one : other, cookie));
      for (const seen of await Promise.all(early)) expect(seen.status).toBe(200);
      for (const seen of await Promise.all(late)) {
        expect(seen).toMatchObject({ kind: 'dead', why: 'ended', subject: null });
      }
    });

    it('that was never made stands for nobody', async () => {
      const app = await start();
      const cookie = cookieOf(await signIn(app, randomUUID()));
      expect(await who(app, cookie)).toMatchObject({ kind: 'dead', why: 'unknown_session' });
    });

    it('that has gone unused for too long is dead, by the limit of the instance', async () => {
      const [strict, lax] = [await start({ idleMs: 60_000 }), await start({ idleMs: 2 * HOUR })];
      const { session } = await person(NOW - 120);
      const cookie = cookieOf(await signIn(strict, session.id));
      expect(await who(strict, cookie)).toMatchObject({ kind: 'dead', why: 'idle' });
      expect(await who(lax, cookie)).toMatchObject({ kind: 'live' });
      // The use on the other instance counts here, too.
      expect(await who(strict, cookie)).toMatchObject({ kind: 'live' });
    });

    it('that has reached its end is dead, however often it is used', async () => {
      const app = await start();
      const name = `u-${randomUUID()}`;
      const change = signInOf(name, ['analyst'], NOW);
      const expiresAt = after(toEpochMs(Math.floor(currentTime())), 1_500);
      const short = await admit(scene, name, ['analyst'], NOW, {
        session: { ...change.session, expiresAt },
      });
      const cookie = cookieOf(await signIn(app, short.session.id));
      expect(await who(app, cookie)).toMatchObject({ kind: 'live' });
      await expect
        .poll(() => who(app, cookie), { timeout: 10_000, interval: 200 })
        .toMatchObject({ kind: 'dead', why: 'expired' });
    });
  });

  describe('when the store is away', () => {
    async function startBehindGate(): Promise<{ app: App; gate: Gate }> {
      const gate = await openGate(redis?.url ?? scene.url);
      opened.push(gate);
      const urls = redis === null ? { databaseUrl: gate.url } : { redisUrl: gate.url };
      return { app: await start(urls), gate };
    }

    it('answers with an error, never as if nobody were signed in, and recovers', async () => {
      const { app, gate } = await startBehindGate();
      const { user, session } = await person();
      const cookie = cookieOf(await signIn(app, session.id));
      gate.shut();
      for (const path of ['who', 'open']) {
        const reply = await send(`${app.url}/${path}`, { cookie });
        expect(reply.status).toBe(503);
        expect(reply.setCookie).toEqual([]);
        expect(JSON.parse(reply.body)).toMatchObject({ code: 'session.store_failed' });
        expect(reply.body).not.toContain(user.subject);
      }
      gate.reopen();
      await expect
        .poll(async () => (await send(`${app.url}/who`, { cookie })).status, { timeout: 15_000 })
        .toBe(200);
      expect(await who(app, cookie)).toMatchObject({ kind: 'live', subject: user.subject });
    });

    it('gives no cookie at sign-in', async () => {
      const { app, gate } = await startBehindGate();
      const { session } = await person();
      gate.shut();
      const reply = await signIn(app, session.id);
      expect(reply).toMatchObject({ status: 503, setCookie: [] });
      expect(JSON.parse(reply.body)).toMatchObject({ code: 'session.store_failed' });
    });

    it('does not say that anybody has signed out', async () => {
      const { app, gate } = await startBehindGate();
      const cookie = cookieOf(await signIn(app, (await person()).session.id));
      gate.shut();
      const reply = await send(`${app.url}/sign-out`, { method: 'POST', cookie });
      expect(reply.status).toBe(503);
    });

    it('writes neither the cookie nor the id of the session into the log', async () => {
      const { app, gate } = await startBehindGate();
      const { session } = await person();
      const cookie = cookieOf(await signIn(app, session.id));
      gate.shut();
      await send(`${app.url}/who`, { cookie });
      expect(app.logged.length).toBeGreaterThan(0);
      for (const line of app.logged) {
        expect(line).not.toContain(sidOf(cookie));
        expect(line).not.toContain(session.id);
      }
    });
  });

  if (kind === 'postgres') {
    it('is refused when the socket of Postgres is gone, which the driver calls ENOENT', async () => {
      const app = await start({ databaseUrl: 'postgres://nobody@%2Fno%2Fsuch%2Ffolder/none' });
      const reply = await send(`${app.url}/open`, { cookie: signedCookie(randomUUID(), KEY) });
      expect(reply.status).toBe(503);
      expect(JSON.parse(reply.body)).toMatchObject({ code: 'session.store_failed' });
    });
  }

  it('is refused when the database is away, though the store answers', async () => {
    const app = await start();
    const cookie = cookieOf(await signIn(app, (await person()).session.id));
    await app.pool.end();
    const reply = await send(`${app.url}/who`, { cookie });
    expect(reply.status).toBe(503);
    expect(reply.body).not.toContain('analyst');
  });
});

function assertionOf() {
  return { kind: 'assertion' as const, connection: 'acme', assertionId: `_${randomUUID()}` };
}

function changeLast(cookie: string): string {
  // The last letter of base64 carries two bits that say nothing: change one before it.
  const other = cookie.at(-4) === 'A' ? 'B' : 'A';
  return `${cookie.slice(0, -4)}${other}${cookie.slice(-3)}`;
}

function attributesOf(setCookie: string | undefined): Record<string, string | true> {
  const [, ...parts] = (setCookie ?? '').split('; ');
  return Object.fromEntries(
    parts.map((part) => {
      const equals = part.indexOf('=');
      return equals < 0 ? [part, true] : [part.slice(0, equals), part.slice(equals + 1)];
    }),
  );
}

/** The signature of express-session's cookies: HMAC-SHA-256 in base64 without padding. */
function signedCookie(sid: string, key: string): string {
  const signature = createHmac('sha256', key).update(sid).digest('base64').replace(/=+$/, '');
  return `rollcall=${encodeURIComponent(`s:${sid}.${signature}`)}`;
}

async function onRedis<T>(url: string, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, { maxRetriesPerRequest: 1 });
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}

async function keysIn(url: string): Promise<number> {
  return (await onRedis(url, (client) => client.keys('rollcall:session:*'))).length;
}

/** What the store holds under an id. */
async function contentOf(
  scene: Scene,
  redis: FreshRedis | null,
  sid: string,
): Promise<Record<string, unknown>> {
  if (redis !== null) {
    const text = await onRedis(redis.url, (client) => client.get(`rollcall:session:${sid}`));
    return JSON.parse(text ?? 'null') as Record<string, unknown>;
  }
  const answer = await scene.pool.query('select sess from http_sessions where sid = $1', [sid]);
  return answer.rows[0].sess;
}
