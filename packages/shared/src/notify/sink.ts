import type { Environment, SinkConfig } from '../config/types.ts';
import type { Log } from '../telemetry/log.ts';
import { checkWebhook, postJson, sendWebhook, type WebhookTools } from '../webhook/webhook.ts';
import { checkMailbox, sendMail } from './email.ts';
import { messageOf } from './message.ts';
import { slackBody } from './slack.ts';
import { describeEvent, type ToldNotification } from './told.ts';

/** A way in which operators are told. */
export interface Sink {
  readonly name: string;
  readonly type: SinkConfig['type'];
  readonly on: SinkConfig['on'];
  /** Tells one notification, or throws. */
  tell(notification: ToldNotification, signal: AbortSignal): Promise<void>;
}

/** What the sinks of one installation have in common. */
export interface SinkTools extends WebhookTools {
  readonly log: Log;
  /** The public URL of this installation. */
  readonly source: string;
  /** By which its ids are told apart from those of others. */
  readonly installation: string;
}

/** Slack is nowhere inside. */
const OUTSIDE = { allowPrivate: false, allowHttp: false };

/** Makes the sink that a configuration describes. */
export function openSink(config: SinkConfig, tools: SinkTools): Sink {
  const head = { name: config.name, type: config.type, on: config.on };
  const { env } = tools;
  switch (config.type) {
    case 'webhook':
      return {
        ...head,
        tell: (told, signal) => sendWebhook(config, webhookMessage(told, tools), tools, signal),
      };
    case 'slack': {
      const place = { ...config, ...OUTSIDE };
      return {
        ...head,
        tell: (told, signal) => {
          const body = slackBody(messageOf(told, tools.source));
          return postJson(place, { headers: {}, body }, tools, signal);
        },
      };
    }
    case 'email':
      return {
        ...head,
        tell: (told, signal) => {
          const mail = { id: idOf(told, tools), event: told.event };
          return sendMail(config, mail, messageOf(told, tools.source), env, signal);
        },
      };
    case 'log':
      return { ...head, tell: async (told) => writeToLog(tools.log, told) };
    default:
      return config satisfies never;
  }
}

/**
 * Whether everything that a sink refers to can be read and used. Sends nothing.
 * Throws `config.secret_…`, `webhook.bad_url`, `webhook.bad_secret` and `email.bad_server`.
 */
export async function checkSink(config: SinkConfig, env: Environment): Promise<void> {
  if (config.type === 'email') await checkMailbox(config, env);
  else if (config.type === 'webhook') await checkWebhook(config, env);
  else if (config.type === 'slack') await checkWebhook({ ...config, ...OUTSIDE }, env);
}

/** Without a dot, which the signature would not tell from its own. */
function idOf({ id, test }: ToldNotification, { installation }: SinkTools): string {
  return test ? `test_${id}` : `notification_${installation}_${id}`;
}

function webhookMessage(told: ToldNotification, tools: SinkTools) {
  const { at, attempt: _, event, ...rest } = told;
  const { severity, meaning, action } = describeEvent(event);
  const data = { source: tools.source, severity, meaning, action, ...rest };
  return { id: idOf(told, tools), type: event, timestamp: at, data };
}

const LEVELS = { critical: 'error', warning: 'warn', info: 'info' } as const;

function writeToLog(log: Log, { event, ...told }: ToldNotification): void {
  const { severity } = describeEvent(event);
  const level = told.standing === 'resolved' || told.test ? 'info' : LEVELS[severity];
  log[level]({ event: 'notification', notification: event, severity, ...told });
}
