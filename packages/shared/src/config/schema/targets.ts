import { OUTBOX_KINDS, type OutboxKind } from '../../core/change-payload.ts';
import { list, mapping, oneOf } from './fields.ts';
import { checkEntries, sinkName, webhookFields } from './webhook.ts';

/** `targets`: the apps that are told of every change of somebody's access. */
export function targetsSchema(baseDir: string) {
  return list(target(baseDir), 'a list of targets').check((context) =>
    checkEntries(context, 'target'),
  );
}

function target(baseDir: string) {
  const kinds = OUTBOX_KINDS as readonly [OutboxKind, ...OutboxKind[]];
  return mapping({
    type: oneOf(['webhook']),
    name: sinkName().default('webhook'),
    ...webhookFields(baseDir),
    on: list(oneOf(kinds), 'a list of at least one kind of change', 1).optional(),
  }).transform(({ url, secret, allow_private, allow_http, on, ...rest }) => ({
    ...rest,
    url,
    /** Newest first; every one of them signs. */
    secrets: secret,
    allowPrivate: allow_private,
    allowHttp: allow_http,
    /** Null: all kinds, those of later versions too. */
    on: on ?? null,
  }));
}
