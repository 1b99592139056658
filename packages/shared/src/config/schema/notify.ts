import * as z from 'zod';
import { EVENT_NAMES, type NotificationEvent } from '../../notify/events.ts';
import { closestName } from '../closest-name.ts';
import { expecting, list, mapping, oneOf, patterned, quote } from './fields.ts';
import { secretReference } from './references.ts';
import { checkEntries, sinkName, webhookFields } from './webhook.ts';

/** The ways in which operators are told. */
export const SINK_TYPES = ['webhook', 'slack', 'email', 'log'] as const;

/** `notify`: who is told of what operators have to know. */
export function notifySchema(baseDir: string) {
  const sink = z.discriminatedUnion(
    'type',
    [webhook(baseDir), slack(baseDir), email(baseDir), log()],
    { error: (issue) => wrongType(issue.input) },
  );
  return list(sink, 'a list of sinks').check((context) => checkEntries(context, 'sink'));
}

/** Left out: all of them, those of later versions too. */
function events() {
  const names = EVENT_NAMES as readonly [NotificationEvent, ...NotificationEvent[]];
  return list(oneOf(names), 'a list of at least one event', 1).optional();
}

function webhook(baseDir: string) {
  return mapping({
    type: z.literal('webhook'),
    name: sinkName().default('webhook'),
    ...webhookFields(baseDir),
    on: events(),
  }).transform(({ url, secret, allow_private, allow_http, on, ...sink }) => ({
    ...sink,
    url,
    /** Newest first; every one of them signs. */
    secrets: secret,
    allowPrivate: allow_private,
    allowHttp: allow_http,
    on: on ?? null,
  }));
}

function slack(baseDir: string) {
  return mapping({
    type: z.literal('slack'),
    name: sinkName().default('slack'),
    /** It is the secret: whoever has it may write into the channel. */
    url: secretReference(baseDir),
    on: events(),
  }).transform(({ on, ...sink }) => ({ ...sink, on: on ?? null }));
}

function email(baseDir: string) {
  return mapping({
    type: z.literal('email'),
    name: sinkName().default('email'),
    smtp: secretReference(baseDir),
    from: address(),
    to: z.preprocess(asList, list(address(), 'an address, or a list of them', 1)),
    on: events(),
  }).transform(({ on, ...sink }) => ({ ...sink, on: on ?? null }));
}

function log() {
  return mapping({
    type: z.literal('log'),
    name: sinkName().default('log'),
    on: events(),
  }).transform(({ on, ...sink }) => ({ ...sink, on: on ?? null }));
}

/** RFC 5321 §4.1.2 without quoted strings and address literals: nothing that could be two addresses. */
const ADDRESS =
  /^(?=.{3,254}$)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;

function address() {
  return patterned(ADDRESS, 'an e-mail address, such as ops@example.com');
}

function asList(value: unknown): unknown {
  return typeof value === 'string' ? [value] : value;
}

function wrongType(input: unknown): string {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return expecting('a mapping')({ input });
  }
  const supported = `one of ${SINK_TYPES.join(', ')}`;
  const type: unknown = Object.hasOwn(input, 'type') ? Reflect.get(input, 'type') : undefined;
  if (typeof type !== 'string') return expecting(supported)({ input: type });
  const near = closestName(type, SINK_TYPES);
  const advice = near === null ? '' : `: did you mean "${near}"?`;
  return `expected ${supported}, received ${quote(type)}${advice}`;
}
