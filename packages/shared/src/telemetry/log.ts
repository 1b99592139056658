import { type DestinationStream, type Logger, pino } from 'pino';
import { describeError } from './describe-error.ts';

export type Log = Logger;

/** How loud the log is. `silent` is for tests. */
export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug';

/**
 * Names under which a secret could be handed to the log by mistake, at the top
 * and one level down. What is logged on purpose never has these names.
 */
const SECRET_NAMES = [
  'password',
  'secret',
  'client_secret',
  'clientSecret',
  'token',
  'access_token',
  'authorization',
  'cookie',
  'SAMLResponse',
  'SAMLRequest',
  'RelayState',
  'xml',
  'privateKey',
];

/**
 * The service's log: one JSON object a line, with `time`, `level`, `event` and,
 * where there is one, `ref`, `connection`, `user` and `code`. Secrets are cut out.
 *
 * @param destination where it goes; standard output where left out.
 */
export function createLog(level: LogLevel, destination?: DestinationStream): Log {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: SECRET_NAMES.flatMap((name) => [name, `*.${name}`]),
      censor: '[redacted]',
    },
    serializers: { err: describeError },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
