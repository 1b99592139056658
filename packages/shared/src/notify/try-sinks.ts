import { randomUUID } from 'node:crypto';
import type { Config, Environment, SinkConfig } from '../config/types.ts';
import { codeOf, wordsOf } from '../core/errors.ts';
import type { EpochMs } from '../core/time.ts';
import { isoOf } from '../db/timestamp.ts';
import type { Log } from '../telemetry/log.ts';
import { PATIENT } from '../webhook/patience.ts';
import type { NotificationEvent } from './events.ts';
import { EXAMPLES } from './examples.ts';
import { openSink } from './sink.ts';
import type { ToldNotification } from './told.ts';

/** How one sink took a test. */
export interface SinkTrial {
  readonly sink: string;
  readonly type: SinkConfig['type'];
  /** Null where it was taken. */
  readonly failure: { readonly code: string; readonly message: string } | null;
}

/** What a test needs: no database, which may be what is broken. */
export interface TrialTools {
  readonly env: Environment;
  readonly log: Log;
  readonly clock: () => EpochMs;
}

/**
 * Sends a notification that is marked as a test to each sink, whatever it asked to hear of,
 * once and at the same time. Nothing is written down, and nothing is tried again. Never throws.
 */
export function trySinks(
  { notify, publicUrl }: Pick<Config, 'notify' | 'publicUrl'>,
  event: NotificationEvent,
  tools: TrialTools,
): Promise<readonly SinkTrial[]> {
  const told: ToldNotification = {
    id: randomUUID(),
    attempt: 1,
    at: isoOf(tools.clock()),
    event,
    standing: 'raised',
    connection: null,
    about: 'test',
    facts: { ...EXAMPLES[event] },
    test: true,
  };
  const all = { ...tools, source: publicUrl, installation: 'test' };
  return Promise.all(
    notify.map(async (config) => {
      const head = { sink: config.name, type: config.type };
      try {
        await openSink(config, all).tell(told, AbortSignal.timeout(PATIENT.timeoutMs));
        return { ...head, failure: null };
      } catch (error) {
        return { ...head, failure: { code: codeOf(error), message: wordsOf(error) } };
      }
    }),
  );
}
