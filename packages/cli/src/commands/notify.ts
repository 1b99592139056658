import { AppError } from '@rollcall/shared/core/errors';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { NotificationEvent } from '@rollcall/shared/notify/events';
import { trySinks } from '@rollcall/shared/notify/try-sinks';
import { listNotifications } from '@rollcall/shared/notify/waiting';
import { createLog } from '@rollcall/shared/telemetry/log';
import { loadConfiguration } from '../compose/configuration.ts';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import type { ListOptions } from '../program/notify.ts';
import {
  notificationToJson,
  renderNotifications,
  renderTrials,
  trialToJson,
} from '../render/notify.ts';

export async function list(options: ListOptions, invocation: Invocation): Promise<ExitCode> {
  const { event = null, connection = null, limit } = options;
  const listed = await withFoundation(invocation, { engine: false }, ({ foundation }) =>
    listNotifications(foundation.db, { event, connection, limit }),
  );
  const { terminal, json } = invocation;
  if (json) terminal.printJson(listed.map(notificationToJson));
  else terminal.print(renderNotifications(listed, currentTime(), terminal.colors));
  return EXIT.ok;
}

export async function test(event: NotificationEvent, invocation: Invocation): Promise<ExitCode> {
  const { config: given, workingDirectory, env, terminal, json } = invocation;
  const { config } = await loadConfiguration(given, workingDirectory, env);
  if (config.notify.length === 0) {
    throw new AppError('notify.no_sinks', 'The configuration names no sink: add one to `notify`.');
  }
  // Of what a sink of type log is told: beside the answer, which may be JSON.
  const log = createLog('info', { write: (line) => terminal.complain(line.trimEnd()) });
  const trials = await trySinks(config, event, { env, log, clock: currentTime });
  if (json) terminal.printJson(trials.map(trialToJson));
  else terminal.print(renderTrials(trials, terminal.colors));
  return trials.every(({ failure }) => failure === null) ? EXIT.ok : EXIT.error;
}
