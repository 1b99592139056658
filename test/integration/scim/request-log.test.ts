import { type NotedRequest, RequestLog } from '@rollcall/jit-auth/scim/log/request-log';
import { after, toEpochMs } from '@rollcall/shared/core/time';
import { overPool } from '@rollcall/shared/db/database';
import { pruneScimRequests } from '@rollcall/shared/db/scim-requests';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { createLog } from '@rollcall/shared/telemetry/log';
import { lookOnce } from '@rollcall/sweeper/watch/watch';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CORE_USER, openScim, type ScimScene } from '../../support/scim.ts';
import { typed } from '../../support/typed.ts';

let scene: ScimScene;
beforeAll(async () => {
  scene = await openScim();
});
afterAll(() => scene.close());
beforeEach(async () => {
  await scene.requestLog.write();
  await scene.fresh.pool.query('delete from scim_requests');
});

async function written(): Promise<Record<string, unknown>[]> {
  await scene.requestLog.write();
  const { rows } = await scene.fresh.pool.query('select * from scim_requests order by id');
  return rows;
}

const command = (...args: string[]) =>
  typed(['scim', 'log', ...args], scene.config, scene.fresh.url);

describe('the log of requests', () => {
  it('has each request, what it meant and what became of it, and no value of it', async () => {
    const id = await scene.acme.user('ada@acme.example', {
      title: 'Countess',
      externalId: 'x-ada',
    });
    await scene.acme.get('/Users?filter=userName%20eq%20%22ada@acme.example%22');
    await scene.acme.get('/Users/ada@acme.example');
    const again = await scene.acme.post('/Users', {
      schemas: [CORE_USER],
      userName: 'ada@acme.example',
    });
    await scene.acme.patch(`/Users/${id}`, [{ op: 'Replace', path: 'active', value: 'False' }]);
    const rows = await written();
    expect(rows.map(({ status, meaning }) => [status, meaning])).toEqual([
      [201, 'Creates a user.'],
      [200, 'Looks for users by userName: 1 found.'],
      [404, 'Reads the user.'],
      [409, 'Creates a user.'],
      [200, "Ends the user's access."],
    ]);
    expect(rows[0]).toMatchObject({
      connection_id: 'acme',
      token: 'test',
      method: 'POST',
      path: '/Users',
      target_kind: 'User',
      target_id: id,
      dropped: 0,
    });
    expect(rows[3]).toMatchObject({ scim_type: 'uniqueness', code: 'scim.uniqueness' });
    // By the reference the request is found in the audit trail, and from the client's own log.
    expect(again.body.detail).toContain(rows[3]?.reference);
    const { rows: trail } = await scene.fresh.pool.query(
      "select coalesce(reference, evidence ->> 'reference') as reference from audit_events where user_id = $1 order by id",
      [id],
    );
    expect(trail.map(({ reference }) => reference)).toEqual([
      rows[0]?.reference,
      rows[4]?.reference,
    ]);
    const kept = JSON.stringify(rows) + scene.logged.join('');
    for (const word of ['ada@', 'Countess', 'x-ada', 'rollcall_scim_']) {
      expect(kept).not.toContain(word);
    }
  });

  it('has a line for each operation of a Bulk', async () => {
    const of = (bulkId: string, userName: string) => {
      const data = { schemas: [CORE_USER], userName };
      return { method: 'POST', path: '/Users', bulkId, data };
    };
    await scene.acme.post('/Bulk', {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
      Operations: [of('a', 'bulk-1'), of('b', 'bulk-1')],
    });
    const rows = await written();
    expect(rows.map(({ path, status, meaning }) => [path, status, meaning])).toEqual([
      ['/Users', 201, 'Creates a user.'],
      ['/Users', 409, 'Creates a user.'],
      ['/Bulk', 200, 'Does 2 things at once: 1 carried out, 1 refused.'],
    ]);
    expect(new Set(rows.map(({ reference }) => reference)).size).toBe(1);
  });

  it('says whose token it was that is good no more, and of nobody else', async () => {
    const ended = await scene.token('acme', { name: 'ended' });
    await scene.fresh.pool.query("update scim_tokens set revoked_at = now() where name = 'ended'");
    await scene.client(ended).get('/Users');
    await scene.client('rollcall_scim_guessed').get('/Users?filter=x');
    const head = { status: 401, meaning: 'Was not looked at.', code: 'scim.token_refused' };
    expect(await written()).toMatchObject([
      { ...head, connection_id: 'acme', token: 'ended' },
      { ...head, connection_id: null, token: null },
    ]);
  });

  it('is listed by the command, newest first, filtered and paged', async () => {
    expect(await command()).toMatchObject({
      err: '',
      code: 0,
      out: expect.stringMatching(/^No requests\./),
    });
    const id = await scene.acme.user('grace', { externalId: 'x-grace' });
    await scene.acme.get(`/Users/${id}`);
    await scene.acme.post('/Users', { schemas: [CORE_USER], userName: 'GRACE' });
    await scene.requestLog.write();
    const shown = await command('--limit', '2');
    expect(shown.out).toMatch(/409 scim\.uniqueness .*POST \/Users .*Creates a user\./);
    expect(shown.out).toContain(`GET /Users/${id.slice(0, 8)}…`);
    const [, next = ''] = /More: --after (\d+)/.exec(shown.out) ?? [];
    const rest = (await command('--after', next, '--json')).json();
    expect(rest).toMatchObject({ next: null, requests: [{ target: { type: 'User', id } }] });
    const statuses = async (...args: string[]) =>
      (await command(...args, '--json'))
        .json()
        .requests.map((one: { status: number }) => one.status);
    expect(await statuses('--failed')).toEqual([409]);
    expect(await statuses('--status', '2xx')).toEqual([200, 201]);
    expect(await statuses('--status', '201')).toEqual([201]);
    expect(await statuses('--user', 'x-grace')).toEqual([200, 201]);
    expect(await statuses('--connection', 'globex')).toEqual([]);
    expect(await statuses('--token', 'test', '--since', '5m')).toHaveLength(3);
    expect(await command('--user', 'nobody')).toMatchObject({ code: 1 });
    expect(await command('--status', 'all')).toMatchObject({ code: 1 });
  });

  it('keeps what is young enough', async () => {
    for (let n = 0; n < 3; n++) await scene.acme.get('/Users?count=0');
    const [first] = await written();
    await scene.fresh.pool.query(
      "update scim_requests set at = at - interval '31 days' where id = $1",
      [first?.id],
    );
    const before = after(currentTime(), -30 * 86_400_000);
    expect(await pruneScimRequests(scene.db, before, 100)).toBe(1);
    expect(await written()).toHaveLength(2);
  });
});

describe('when there is too much', () => {
  const request = (reference: string): NotedRequest => ({
    at: toEpochMs(Date.UTC(2026, 10, 25)),
    connectionId: null,
    token: null,
    method: 'GET',
    path: '/Users',
    meaning: 'Lists users.',
    targetKind: null,
    targetId: null,
    status: 200,
    scimType: null,
    code: null,
    durationMs: 1,
    reference,
  });

  it('leaves requests out, and says how many', async () => {
    const log = new RequestLog(scene.db, createLog('silent'), { waiting: 3 });
    for (let n = 0; n < 10; n++) log.note(request(`full ${n}`), true);
    await log.write();
    log.note(request('next'), true);
    await log.write();
    const rows = await written();
    expect(rows.map(({ reference, dropped }) => [reference, dropped])).toEqual([
      ['full 0', 0],
      ['full 1', 0],
      ['full 2', 0],
      ['next', 7],
    ]);
    expect((await command()).out).toContain('7 requests are not here');
  });

  it('leaves out most of what anybody can send', async () => {
    const log = new RequestLog(scene.db, createLog('silent'), { strangers: 5 });
    for (let n = 0; n < 100; n++) log.note(request('stranger'), false);
    log.note(request('client'), true);
    await log.write();
    const rows = await written();
    expect(rows).toHaveLength(6);
    expect(rows.at(-1)).toMatchObject({ reference: 'client', dropped: 95 });
  });

  it('keeps what it could not write, says so once, and answers requests all the same', async () => {
    const lines: string[] = [];
    const warn = createLog('warn', { write: (line: string) => void lines.push(line) });
    await scene.fresh.pool.query('alter table scim_requests rename to elsewhere');
    const log = new RequestLog(scene.db, warn);
    log.note(request('kept'), true);
    await log.write();
    await log.write();
    expect((await scene.acme.get('/Users?count=0')).status).toBe(200);
    expect(lines.filter((line) => line.includes('scim.log_not_written'))).toHaveLength(1);
    await scene.fresh.pool.query('alter table elsewhere rename to scim_requests');
    await log.write();
    expect((await written()).map(({ reference }) => reference)).toContain('kept');
  });
});

describe('operators are told', () => {
  async function look() {
    await scene.requestLog.write();
    await scene.health.write();
    await scene.fresh.pool.query("update watch set last_at = last_at - interval '1 minute'");
    const connections = [{ id: 'acme', sweep: null, provisioning: 'both' }];
    const config = { connections } as unknown as Parameters<typeof lookOnce>[0]['config'];
    const parts = { config, db: overPool(scene.fresh.pool), log: createLog('silent') };
    const steps = await lookOnce({ ...parts, clock: currentTime }, 1_000);
    return steps?.map((step) =>
      step.kind === 'raise' ? step.notification : `${step.occasion.event} over`,
    );
  }

  it('of a last admin who was to go, over Bulk too, once a day', async () => {
    const members = await Promise.all(['r1', 'r2'].map((name) => scene.acme.user(name)));
    const [one = ''] = members;
    await scene.acme.group('BI-Admins', members);
    const told = async () => {
      const { rows } = await scene.fresh.pool.query(
        "select connection_id, facts from notifications where event = 'last_admin.protected'",
      );
      return rows;
    };
    expect(await told()).toEqual([]);
    await scene.acme.post('/Bulk', {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
      Operations: [{ method: 'DELETE', path: `/Users/${one}` }],
    });
    const facts = { user: one, roles: ['admin'], kept_from: 'scim' };
    expect(await told()).toEqual([{ connection_id: 'acme', facts }]);
    expect((await scene.acme.delete(`/Users/${one}`)).status).toBe(403);
    expect(await told()).toHaveLength(1);
  });

  it('of far more refusals, and far more leavers, than usual', async () => {
    expect(await look()).toEqual([]);
    for (let n = 0; n < 21; n++) {
      await scene.acme.post('/Users', { no: 'user' });
      // Others get through: the client does not fail as a whole.
      const id = await scene.acme.user(`spike-${n}`);
      if (n < 11) await scene.acme.delete(`/Users/${id}`);
    }
    expect(await look()).toMatchObject([
      { event: 'scim.refusals_spike', facts: { refused: 21, usual: 0 } },
      { event: 'scim.leavers_spike', facts: { ended: 12, usual: 0 } },
    ]);
    expect(await look()).toEqual([]);
    await scene.fresh.pool.query("update scim_requests set at = at - interval '2 hours'");
    await scene.fresh.pool.query(
      "update users set state_changed_at = state_changed_at - interval '2 hours'",
    );
    expect(await look()).toEqual(['scim.refusals_spike over', 'scim.leavers_spike over']);
  });
});
