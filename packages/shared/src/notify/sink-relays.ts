import type { Config } from '../config/types.ts';
import type { Database } from '../db/database.ts';
import { type Relay, runRelay } from '../outbox/relay-round.ts';
import { type RelaySettings, settingsOf } from '../outbox/relay-settings.ts';
import { PATIENT } from '../webhook/patience.ts';
import { openSink, type SinkTools } from './sink.ts';
import { notificationsOf } from './sink-deliveries.ts';
import type { ToldNotification } from './told.ts';

/** Notifications are few: one is looked for now and then. */
const UNHURRIED: Partial<RelaySettings> = { ...PATIENT, atOnce: 4, pollMs: 1_000 };

/** Hands notifications to every sink of a configuration, each by a relay of its own. */
export function startSinks(
  { notify }: Pick<Config, 'notify'>,
  db: Database,
  tools: SinkTools,
  settings: Partial<RelaySettings> = {},
): readonly Relay[] {
  return notify.map((config) => {
    const sink = openSink(config, tools);
    const receiver = {
      named: { sink: sink.name },
      name: ({ id, event }: ToldNotification) => ({ notification: id, about: event }),
      deliver: sink.tell,
    };
    const store = notificationsOf(db, sink);
    return runRelay(store, receiver, tools.log, settingsOf({ ...UNHURRIED, ...settings }));
  });
}
