import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Change } from '@rollcall/shared/outbox/change';
import { startRelay } from '@rollcall/shared/outbox/relay';
import type { Relay } from '@rollcall/shared/outbox/relay-round';
import type { RelaySettings } from '@rollcall/shared/outbox/relay-settings';
import { createLog } from '@rollcall/shared/telemetry/log';
import { admit, type Scene } from '../access/people.ts';

/** Quick, so that no test has to wait for what takes seconds in production. */
export const QUICK: Partial<RelaySettings> = {
  pollMs: 20,
  timeoutMs: 400,
  firstDelayMs: 10,
  longestDelayMs: 40,
};

/** A relay that writes down what it is told, and what it logs. */
export interface Listener {
  readonly heard: Change[];
  readonly logged: Record<string, unknown>[];
  readonly relay: Relay;
}

/** Starts one and waits until its target is known. */
export async function listen(
  scene: Scene,
  name: string,
  settings: Partial<RelaySettings> = {},
  react: (change: Change, signal: AbortSignal) => unknown = () => undefined,
): Promise<Listener> {
  const heard: Change[] = [];
  const logged: Record<string, unknown>[] = [];
  const log = createLog('debug', { write: (line) => void logged.push(JSON.parse(line)) });
  const deliver = async (change: Change, signal: AbortSignal): Promise<void> => {
    await react(change, signal);
    heard.push(change);
  };
  const relay = startRelay(scene.db, { name, deliver }, log, { ...QUICK, ...settings });
  await relay.ready;
  return { heard, logged, relay };
}

/** So many people who are known; their first changes are put away. */
export async function employ(scene: Scene, count: number): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    ids.push((await admit(scene, `p-${randomUUID()}`, ['analyst'], i)).user.id);
  }
  return ids;
}

/** Writes changes, a number in each, to every user in turn. */
export async function change(
  scene: Scene,
  users: readonly string[],
  count: number,
  from = 0,
): Promise<void> {
  await scene.pool.query(
    `insert into outbox (at, kind, user_id, payload)
     select clock_timestamp(), 'user.changed', ($1::uuid[])[1 + n % $2],
            jsonb_build_object('number', n, 'profile', '{}'::jsonb)
       from generate_series($3::int, $3::int + $4 - 1) as n order by n`,
    [users, users.length, from, count],
  );
}

/** The number that {@link change} wrote into it. */
export function numberOf(change: Change): number {
  return (change as unknown as { number: number }).number;
}

export async function until(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + 20_000; performance.now() < deadline; ) {
    if (await check()) return;
    await sleep(10);
  }
  throw new Error(`waited 20 s for ${what}`);
}

/** How many deliveries there still are. */
export async function waiting(scene: Scene, target: string): Promise<number> {
  const answer = await scene.pool.query<{ n: string }>(
    'select count(*) as n from outbox_deliveries where target = $1',
    [target],
  );
  return Number(answer.rows[0]?.n);
}

/** The users of whom something was heard in the wrong order, by the numbers in the changes. */
export function outOfOrder(heard: readonly Change[]): readonly string[] {
  const wrong = new Set<string>();
  const last = new Map<string, number>();
  for (const one of heard) {
    const number = numberOf(one);
    if (number < (last.get(one.user.record) ?? -1)) wrong.add(one.user.record);
    last.set(one.user.record, number);
  }
  return [...wrong];
}
