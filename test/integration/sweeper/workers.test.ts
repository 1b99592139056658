import { inTransaction, overPool } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { EXAMPLES } from '@rollcall/shared/notify/examples';
import { raise } from '@rollcall/shared/notify/raise';
import { createLog } from '@rollcall/shared/telemetry/log';
import { type Sweeper, type SweepResult, sweeper } from '@rollcall/sweeper';
import { scheduleSweeps } from '@rollcall/sweeper/jobs/schedule';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeOnBothEngines } from '../../setup/redis.ts';
import { until } from '../../support/service.ts';
import { ADA, ALAN, HEDY, KATHERINE, type Stack, startStack } from '../../support/stack.ts';
import { askIdp, Visitor } from '../../support/visitor.ts';
import { openReceiver, type Receiver } from '../notify/receiver.ts';
import { newSecret } from '../notify/scene.ts';

describeOnBothEngines('workers of the sweep', (engine) => {
  let stack: Stack;
  const visitors = new Map<string, Visitor>();
  const workers: Sweeper[] = [];
  const logged: Record<string, unknown>[] = [];
  const log = createLog('debug', { write: (line) => void logged.push(JSON.parse(line)) });

  const secret = newSecret();
  let receiver: Receiver;

  beforeAll(async () => {
    receiver = await openReceiver();
    const hook = { type: 'webhook', url: `${receiver.url}/hook`, secret: 'env:HOOK_SECRET' };
    stack = await startStack({
      engine,
      sweep: { every: '7d', confirm_after: '1s' },
      more: (config) => Object.assign(config, { targets: [hook], notify: [hook] }),
    });
    for (const person of [ADA, ALAN, HEDY, KATHERINE]) await signIn(person);
    for (let count = 0; count < 2; count++) {
      workers.push(await openWorker());
    }
  });
  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.stop()));
    await stack.close();
    await receiver.close();
  });

  function openWorker(): Promise<Sweeper> {
    return sweeper(stack.config, { env: { ...stack.env, HOOK_SECRET: secret }, log });
  }

  async function signIn(person: string): Promise<void> {
    const visitor = visitors.get(person) ?? new Visitor();
    visitors.set(person, visitor);
    const login = `${stack.web.url}/saml/demo/login?return_to=%2Freports`;
    const { action, fields } = await askIdp(visitor, login, person);
    await visitor.post(action, fields);
    expect(await sessionStatus(person)).toBe(200);
  }

  async function sessionStatus(person: string): Promise<number> {
    return (await visitors.get(person)!.json(`${stack.web.url}/session`)).status;
  }

  async function runs(): Promise<{ trigger: string; state: string; code: string }[]> {
    const text = 'select trigger, state, code from sweep_runs order by started_at';
    return (await stack.fresh.pool.query(text)).rows;
  }

  async function stateOf(person: string): Promise<string> {
    const text = 'select state from users where subject = $1';
    return (await stack.fresh.pool.query(text, [person])).rows[0].state;
  }

  /** Waits while the other worker is at it. */
  function sweepNow(worker = workers[0]!): Promise<SweepResult> {
    return until('a sweep', 15_000, async () => {
      const result = await worker.sweepNow('demo');
      return result.kind === 'finished' && result;
    });
  }

  it('two that start together make one sweep: a baseline', async () => {
    await Promise.all(workers.map((worker) => worker.start()));
    await until('the first sweep', 15_000, async () => (await runs())[0]?.state === 'applied');
    expect(await runs()).toEqual([
      { trigger: 'schedule', state: 'applied', code: 'sweep.applied' },
    ]);
  });

  it('whoever is gone from the directory is out, confirmed by a job of its own', async () => {
    stack.idp.directory.remove(ALAN);
    expect(await sweepNow()).toMatchObject({ state: 'applied', applied: 1, rows: 7 });
    expect(await sessionStatus(ALAN)).toBe(200);
    await until('the confirmation', 15_000, async () => (await stateOf(ALAN)) === 'deactivated');
    expect(await sessionStatus(ALAN)).toBe(401);
    expect(await sessionStatus(ADA)).toBe(200);
    expect((await runs()).map((run) => run.trigger)).toEqual([
      'schedule',
      'operator',
      'confirmation',
    ]);
  });

  it('whoever is disabled is out at once', async () => {
    stack.idp.directory.disable(HEDY);
    expect(await sweepNow()).toMatchObject({ state: 'applied', applied: 1, sessionsEnded: 1 });
    expect(await sessionStatus(HEDY)).toBe(401);
  });

  it.each([
    'error_500',
    'timeout',
    'empty',
    'half',
    'short',
    'duplicate_pages',
    'unauthorized_401',
    'forbidden_403',
    'malformed',
  ] as const)('a directory that suffers from %s removes nobody', async (fault) => {
    stack.idp.directory.setFault(fault);
    expect(await sweepNow()).toMatchObject({ state: 'incomplete', applied: 0 });
    expect(await sessionStatus(ADA)).toBe(200);
    expect(await stateOf(KATHERINE)).toBe('active');
  });

  it('a directory that asks for a pause removes nobody, and is left alone though it is well', async () => {
    // Of its own: what it keeps of the pause, half a minute, is over for nobody sooner.
    const worker = await openWorker();
    try {
      const left = { state: 'incomplete', code: 'directory.rate_limited', applied: 0 };
      stack.idp.directory.setFault('too_many_429');
      expect(await sweepNow(worker)).toMatchObject(left);
      stack.idp.directory.setFault(null);
      expect(await sweepNow(worker)).toMatchObject(left);
      expect(await sessionStatus(ADA)).toBe(200);
      expect(await stateOf(KATHERINE)).toBe('active');
    } finally {
      await worker.stop();
    }
  });

  it('nobody else was touched, and the sweep goes on when the directory is well again', async () => {
    stack.idp.directory.setFault(null);
    expect(await sweepNow()).toMatchObject({ state: 'applied', applied: 0 });
    const out = "select subject from users where state <> 'active' order by subject";
    const { rows } = await stack.fresh.pool.query(out);
    expect(rows.map((row) => row.subject)).toEqual([ALAN, HEDY].sort());
  });

  it('tell a webhook who is out, each change once, and operators what they have to know', async () => {
    const read = () => receiver.received.map(({ body }) => JSON.parse(body));
    const outs = () => read().filter(({ type }) => type === 'user.deactivated');
    await until('both ends of access', 10_000, async () => outs().length >= 2);
    expect(
      outs()
        .map(({ data }) => data.user.subject)
        .sort(),
    ).toEqual([ALAN, HEDY].sort());
    const db = overPool(stack.fresh.pool);
    const facts = EXAMPLES['sweep.held'];
    const held = { event: 'sweep.held', connectionId: null, about: 'x', facts } as const;
    await inTransaction(db, (tx) => raise(tx, held, currentTime()));
    await until('the notification', 10_000, async () => {
      return read().some(({ type }) => type === 'sweep.held');
    });
    const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { headers, body } of receiver.received) {
      new Webhook(secret).verify(body, headers as Record<string, string>);
    }
    // Somebody keeps watch, as its own first look says.
    expect((await stack.fresh.pool.query('select from watch')).rowCount).toBe(1);
  });

  it('a job that makes no sense is logged and kept as a dead letter', async () => {
    const { openFoundation } = await import('@rollcall/shared/engine/foundation');
    const { openQueues } = await import('@rollcall/shared/queue/queues');
    const { validateConfig } = await import('@rollcall/shared/config/load');
    const foundation = await openFoundation(validateConfig(stack.config, { env: stack.env }), {
      env: stack.env,
    });
    const queue = (await openQueues(foundation)).queue('sweeps');
    try {
      await queue.add('sweep', { connectionId: 7 });
      await queue.add('sweep', { connectionId: 'gone', trigger: 'schedule' });
      const has = (event: string) => logged.some((line) => line.event === event);
      await until('the log', 10_000, async () => {
        return has('sweep.bad_job') && has('sweep.unknown_connection');
      });
      await until('the dead letter', 10_000, async () => (await queue.dead(10)).length === 1);
      expect((await queue.dead(10))[0]?.payload).toEqual({ connectionId: 7 });
      expect(await queue.schedules()).toMatchObject([{ id: 'sweep-demo', everyMs: 604_800_000 }]);
      await scheduleSweeps(queue, [], currentTime());
      expect(await queue.schedules()).toEqual([]);
    } finally {
      await queue.close();
      await foundation.close();
    }
  });

  it('refuses connections that it cannot sweep', async () => {
    await expect(workers[0]!.sweepNow('nobody')).rejects.toMatchObject({
      code: 'sweep.no_such_connection',
    });
  });

  it('leaves one line in the log for each run', async () => {
    const lines = logged.filter((line) => line.event === 'sweep.finished');
    expect(lines).toHaveLength((await runs()).length);
    for (const line of lines)
      expect(line).toMatchObject({
        connection: 'demo',
        code: expect.stringMatching(/^(sweep|listing|directory)\./),
      });
    expect(JSON.stringify(logged)).not.toContain(stack.idp.scimToken);
  });
});
