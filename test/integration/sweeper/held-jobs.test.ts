import { type Sweeper, sweeper } from '@rollcall/sweeper';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeOnBothEngines } from '../../setup/redis.ts';
import { until } from '../../support/service.ts';
import { ADA, ALAN, HEDY, KATHERINE, type Stack, startStack } from '../../support/stack.ts';
import { askIdp, Visitor } from '../../support/visitor.ts';

describeOnBothEngines('the job that looks after a held plan', (engine) => {
  let stack: Stack;
  let workers: Sweeper[] = [];
  const visitors = new Map<string, Visitor>();

  beforeAll(async () => {
    stack = await startStack({ engine });
    for (const person of [ADA, ALAN, HEDY, KATHERINE]) await signIn(person);
    workers = await Promise.all([worker(), worker()]);
    await Promise.all(workers.map((one) => one.start()));
    await until('the baseline', 15_000, async () => (await count("state = 'applied'")) > 0);
  });
  afterAll(async () => {
    await Promise.all(workers.map((one) => one.stop()));
    await stack.close();
  });

  function worker(): Promise<Sweeper> {
    return sweeper(stack.config, { env: stack.env });
  }

  async function signIn(person: string): Promise<void> {
    const visitor = visitors.get(person) ?? new Visitor();
    visitors.set(person, visitor);
    const login = `${stack.web.url}/saml/demo/login?return_to=%2Freports`;
    const { action, fields } = await askIdp(visitor, login, person);
    await visitor.post(action, fields);
  }

  async function count(where: string): Promise<number> {
    const text = `select count(*) as n from sweep_runs where ${where}`;
    return Number((await stack.fresh.pool.query(text)).rows[0].n);
  }

  async function contained(): Promise<string[]> {
    const text = "select subject from users where state = 'contained' order by state_changed_at";
    return (await stack.fresh.pool.query(text)).rows.map((row) => row.subject);
  }

  it('contains one of few, whom one fresh sign-in frees, and goes on where the workers change', async () => {
    await until('the record of sign-ins', 15_000, async () => {
      return (await stack.fresh.pool.query('select from connection_sign_ins')).rowCount === 1;
    });
    for (const person of [ADA, ALAN, HEDY]) stack.idp.directory.disable(person);
    await until('a held plan', 15_000, async () => {
      const result = await workers[0]!.sweepNow('demo');
      return result.kind === 'finished' && result.state === 'held';
    });
    // Whoever works when the job comes back: these two go, and another one takes it.
    const [left, ...others] = workers;
    await Promise.all(others.map((one) => one.stop()));
    const fresh = await worker();
    await fresh.start();
    await left?.stop();
    workers = [fresh];
    await until('a containment', 20_000, async () => (await contained()).length === 1);
    const [person = ''] = await contained();
    const session = () => visitors.get(person)!.json(`${stack.web.url}/session`);
    expect(await session()).toMatchObject({ status: 401 });

    // Nobody is locked out: whoever still can sign in there is let in here.
    stack.idp.directory.restore(person);
    await signIn(person);
    expect(await session()).toMatchObject({ status: 200 });
    expect(await contained()).toEqual([]);
    const audits = "select count(*) as n from audit_events where kind = 'user.contained'";
    expect(Number((await stack.fresh.pool.query(audits)).rows[0].n)).toBe(1);
    const told = "select count(*) as n from notifications where event = 'sweep.held'";
    expect(Number((await stack.fresh.pool.query(told)).rows[0].n)).toBe(1);
  });
});
