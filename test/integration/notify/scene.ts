import { randomBytes } from 'node:crypto';
import { validateConfig } from '@rollcall/shared/config/load';
import type { Config, ConfigInput } from '@rollcall/shared/config/types';
import { inTransaction } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { EventFacts, NotificationEvent } from '@rollcall/shared/notify/events';
import { EXAMPLES } from '@rollcall/shared/notify/examples';
import { type Notification, raise, resolve } from '@rollcall/shared/notify/raise';
import { startTelling, type Telling } from '@rollcall/shared/notify/telling';
import type { RelaySettings } from '@rollcall/shared/outbox/relay-settings';
import { createLog } from '@rollcall/shared/telemetry/log';
import { ACME, type Scene } from '../access/people.ts';
import { QUICK } from '../outbox/changes.ts';

/** A new signing secret of Standard Webhooks. */
export const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

/** A configuration with these sinks and targets. */
export function configOf(part: Pick<ConfigInput, 'notify' | 'targets'>): Config {
  return validateConfig({
    version: 1,
    public_url: 'https://auth.example.com',
    session: { keys: ['env:SESSION_KEY'] },
    connections: [
      { id: 'acme', idp: { metadata_url: 'https://idp.example/' }, subject: { attribute: 'uid' } },
    ],
    ...part,
  });
}

/** Telling that is under way, and what it logs. */
export interface Tellers extends Telling {
  readonly logged: Record<string, unknown>[];
}

export async function tell(
  scene: Scene,
  part: Pick<ConfigInput, 'notify' | 'targets'>,
  env: Record<string, string>,
  settings: Partial<RelaySettings> = {},
): Promise<Tellers> {
  const logged: Record<string, unknown>[] = [];
  const log = createLog('debug', { write: (line) => void logged.push(JSON.parse(line)) });
  const parts = { config: configOf(part), env, db: scene.db, log, clock: currentTime };
  const telling = await startTelling(parts, { ...QUICK, timeoutMs: 2_000, ...settings });
  await telling.ready;
  return { ...telling, logged };
}

export function raiseOne<Event extends NotificationEvent>(
  scene: Scene,
  event: Event,
  about: string,
  facts: Partial<EventFacts[Event]> = {},
): Promise<boolean> {
  const all = { ...EXAMPLES[event], ...facts };
  const notification = { event, connectionId: ACME, about, facts: all } as Notification;
  return inTransaction(scene.db, (tx) => raise(tx, notification, currentTime()));
}

export function resolveOne(
  scene: Scene,
  event: NotificationEvent,
  about: string,
): Promise<boolean> {
  return inTransaction(scene.db, (tx) =>
    resolve(tx, { event, connectionId: ACME, about }, currentTime()),
  );
}
