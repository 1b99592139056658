import { createLog } from '@rollcall/shared/telemetry/log';
import { type Sweeper, sweeper } from '@rollcall/sweeper';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeOnBothEngines } from '../setup/redis.ts';
import { until } from '../support/service.ts';
import { ADA, ALAN, type Instance, KATHERINE, type Stack, startStack } from '../support/stack.ts';
import { askIdp, Visitor } from '../support/visitor.ts';

/** Two web instances and two workers, each with connections of its own, on one database. */
describeOnBothEngines('two of everything', (engine) => {
  let stack: Stack;
  let second: Instance;
  const workers: Sweeper[] = [];
  const worked: string[][] = [[], []];

  beforeAll(async () => {
    stack = await startStack({ engine, sweep: { every: '10s', confirm_after: '1s' } });
    second = await stack.another();
    for (const lines of worked) {
      const log = createLog('info', { write: (line: string) => void lines.push(line) });
      workers.push(await sweeper(stack.config, { env: stack.env, log }));
    }
  });
  afterAll(async () => {
    for (const worker of workers) await worker.stop();
    await stack.close();
  });

  async function signIn(person: string): Promise<Visitor> {
    const visitor = new Visitor();
    const login = `${stack.web.url}/saml/demo/login?return_to=%2F`;
    const { action, fields } = await askIdp(visitor, login, person);
    await visitor.post(action, fields);
    return visitor;
  }

  /** What an instance says of the visitor's session; both are the same site behind one address. */
  async function seenBy(instance: Instance, visitor: Visitor) {
    const headers = { cookie: visitor.cookies(stack.web.url), accept: 'application/json' };
    const answer = await fetch(`${instance.url}/session`, { headers });
    return { status: answer.status, body: await answer.json() };
  }

  async function runs(): Promise<{ id: string; started: Date; finished: Date | null }[]> {
    const answer = await stack.fresh.pool.query(
      'select id, started_at as started, finished_at as finished from sweep_runs order by started_at',
    );
    return answer.rows;
  }

  it('knows a session on both instances', async () => {
    const ada = await signIn(ADA);
    for (const instance of [stack.web, second]) {
      expect(await seenBy(instance, ada)).toMatchObject({
        status: 200,
        body: { user: { subject: ADA } },
      });
    }
  });

  it('runs one sweep at a time, however many ask for it', async () => {
    const results = await Promise.all([
      ...workers.map((worker) => worker.sweepNow('demo')),
      ...workers.map((worker) => worker.sweepNow('demo')),
    ]);
    const kinds = results.map((result) => result.kind).sort();
    expect(kinds.filter((kind) => kind === 'finished').length).toBeGreaterThanOrEqual(1);
    const all = await runs();
    expect(all).toHaveLength(kinds.filter((kind) => kind === 'finished').length);
    for (const [index, run] of all.slice(1).entries()) {
      expect(run.started.getTime()).toBeGreaterThanOrEqual(all[index]!.finished!.getTime());
    }
  });

  it('shares the scheduled sweeps between the workers: one run for each, not two', async () => {
    const before = (await runs()).length;
    await Promise.all(workers.map((worker) => worker.start()));
    await until('three scheduled runs', 45_000, async () => (await runs()).length >= before + 3);
    const all = await runs();
    const overlapping = all
      .slice(1)
      .filter(
        (run, index) => run.started.getTime() < (all[index]!.finished?.getTime() ?? Infinity),
      );
    expect(overlapping).toEqual([]);
    const schedules = all.slice(before).map((run) => run.started.getTime());
    // Every ten seconds one; two workers with a schedule each would make twice as many.
    expect(schedules.at(-1)! - schedules[0]!).toBeGreaterThan(15_000);
  }, 60_000);

  it('ends a session on both instances when one worker sweeps its person out', async () => {
    const alan = await signIn(ALAN);
    const katherine = await signIn(KATHERINE);
    stack.idp.directory.remove(ALAN);
    await until('the end on one instance', 40_000, async () => {
      return (await seenBy(stack.web, alan)).status === 401;
    });
    for (const instance of [stack.web, second]) {
      expect(await seenBy(instance, alan)).toMatchObject({
        status: 401,
        body: { code: 'session.access_ended' },
      });
      expect(await seenBy(instance, katherine)).toMatchObject({ status: 200 });
    }
    const audit = await stack.fresh.pool.query(
      "select count(*)::int as n from audit_events where kind = 'user.deactivated'",
    );
    expect(audit.rows[0].n).toBe(1);
  }, 60_000);

  it('goes on with one worker when the other has gone', async () => {
    await workers[0]!.stop();
    const before = (await runs()).length;
    await until('the next run', 30_000, async () => (await runs()).length > before);
  }, 45_000);
});
