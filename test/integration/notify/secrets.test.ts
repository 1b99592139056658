import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openScene, type Scene } from '../access/people.ts';
import { employ, until } from '../outbox/changes.ts';
import { openReceiver, type Receiver } from './receiver.ts';
import { newSecret, raiseOne, tell } from './scene.ts';

let scene: Scene;
let receiver: Receiver;
beforeAll(async () => {
  scene = await openScene();
  receiver = await openReceiver();
});
afterAll(async () => {
  await receiver.close();
  await scene.drop();
});

/** Every row of every table, as text. */
async function dump(): Promise<string> {
  const { rows: tables } = await sql<{ name: string }>`
    select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema')`.execute(scene.db);
  const texts = await Promise.all(
    tables.map(async ({ name }) => {
      const { rows } = await sql`select to_jsonb(t) as row from ${sql.raw(name)} t`.execute(
        scene.db,
      );
      return JSON.stringify(rows);
    }),
  );
  return texts.join('\n');
}

it('no secret of the configuration is in a table or a log, whatever fails', async () => {
  const env = {
    HOOK_URL: `${receiver.url}/hooks/s3cret-path?key=s3cret-query`,
    HOOK_SECRET: newSecret(),
    SLACK_URL: `${receiver.url}/services/T0/B0/s3cret-slack`,
    NOWHERE: 'https://nowhere.invalid/s3cret-nowhere',
    SMTP: 'smtp://ops:s3cret-mail@127.0.0.1:1',
    WRONG: 's3cret-that-is-none',
  };
  receiver.answers.push(...Array.from({ length: 12 }, () => 500 as const));
  const hook = { type: 'webhook', url: 'env:HOOK_URL', secret: 'env:HOOK_SECRET' } as const;
  const telling = await tell(
    scene,
    {
      notify: [
        hook,
        { ...hook, name: 'nowhere', url: 'env:NOWHERE' },
        { ...hook, name: 'wrong-secret', secret: 'env:WRONG' },
        { ...hook, name: 'wrong-url', url: 'env:WRONG' },
        { ...hook, name: 'missing', secret: 'env:NOT_THERE' },
        { type: 'slack', url: 'env:SLACK_URL' },
        { type: 'email', smtp: 'env:SMTP', from: 'a@example.com', to: 'b@example.com' },
        {
          type: 'email',
          name: 'wrong-mail',
          smtp: 'env:WRONG',
          from: 'a@example.com',
          to: 'b@example.com',
        },
        { type: 'log' },
      ],
      targets: [hook, { ...hook, name: 'wrong', secret: 'env:WRONG' }],
    },
    env,
    { attempts: 3 },
  );
  await raiseOne(scene, 'sweep.held', 'secrets');
  await employ(scene, 1);
  await until('that all is tried', async () => {
    const { rows } = await sql`
      select from notification_deliveries where parked_at is null and delivered_at is null
      union all select from outbox_deliveries where parked_at is null`.execute(scene.db);
    return rows.length === 0;
  });
  await telling.stop();

  const everything = `${await dump()}\n${JSON.stringify(telling.logged)}`;
  // That the search can find what is there: the errors are.
  expect(everything).toContain('env:WRONG');
  expect(everything).toContain('delivery.parked');
  const secrets = [...Object.values(env), env.HOOK_SECRET.slice('whsec_'.length)];
  for (const secret of secrets) expect(everything).not.toContain(secret);
  expect(everything).not.toMatch(/s3cret-/);
});

it('an event of a later version is told all the same', async () => {
  await sql`
    insert into notification_sinks (name, registered_at, seen_at) values ('log', now(), now())
    on conflict do nothing`.execute(scene.db);
  const telling = await tell(scene, { notify: [{ type: 'log' }] }, {});
  await sql`
    insert into notifications (at, event, standing, about, facts)
    values (now(), 'moon.rising', 'raised', 'later', '{"phase": "full"}')`.execute(scene.db);
  const told = () => telling.logged.find(({ notification }) => notification === 'moon.rising');
  await until('the line', () => told() !== undefined);
  expect(told()).toMatchObject({ severity: 'warning', facts: { phase: 'full' } });
  await telling.stop();
});
