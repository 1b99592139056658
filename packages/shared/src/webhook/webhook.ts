import { formatReference, resolveSecret, type SecretReference } from '../config/secrets.ts';
import type { Environment, UrlSource } from '../config/types.ts';
import { AppError } from '../core/errors.ts';
import type { EpochMs } from '../core/time.ts';
import { type Post, type PostPlace, postGuarded } from '../http/guarded-post.ts';
import type { Resolver } from '../http/public-address.ts';
import { readRetryAfter } from '../http/retry-after.ts';
import { DeliveryFailure } from '../outbox/delivery-failure.ts';
import { readSigningSecret, signatureHeaders } from './signature.ts';

/** What of a configuration says where a webhook goes. Secrets are read at each use. */
export interface WebhookPlace {
  readonly url: UrlSource;
  readonly allowPrivate: boolean;
  readonly allowHttp: boolean;
}

/** With what it is signed: newest first, and every one of them signs. */
export interface SigningSecrets {
  readonly secrets: readonly SecretReference[];
}

/** What the edges give. */
export interface WebhookTools {
  readonly env: Environment;
  readonly clock: () => EpochMs;
  /** How names become addresses; the system's way where left out. */
  readonly resolve?: Resolver;
}

/** One message: Standard Webhooks, "Payload structure". */
export interface WebhookMessage {
  /** The same at every attempt, and of no other message of anybody. */
  readonly id: string;
  readonly type: string;
  /** When it happened, in ISO 8601. */
  readonly timestamp: string;
  readonly data: object;
}

const USER_AGENT = 'rollcall';

/**
 * Signs a message and posts it. Returns where the answer is 2xx.
 * Throws {@link DeliveryFailure} with `webhook.refused` or `webhook.gone`, what
 * `postGuarded` throws, and what reading the URL and the secrets throws. None of them
 * holds a secret.
 */
export async function sendWebhook(
  place: WebhookPlace & SigningSecrets,
  { id, type, timestamp, data }: WebhookMessage,
  tools: WebhookTools,
  signal: AbortSignal,
): Promise<void> {
  const keys = await readKeys(place, tools.env);
  const body = JSON.stringify({ type, timestamp, data });
  const seconds = Math.floor(tools.clock() / 1_000);
  const signed = signatureHeaders({ id, timestamp: seconds, body }, keys);
  await postJson(place, { headers: signed, body }, tools, signal);
}

/** Posts JSON that carries no signature. Throws as {@link sendWebhook} does. */
export async function postJson(
  { url, allowPrivate, allowHttp }: WebhookPlace,
  { headers, body }: Post,
  { env, clock, resolve }: WebhookTools,
  signal: AbortSignal,
): Promise<void> {
  const place: PostPlace = {
    url: await readUrl(url, env),
    allowPrivate,
    allowHttp,
    ...(resolve === undefined ? {} : { resolve }),
  };
  const all = { 'content-type': 'application/json', 'user-agent': USER_AGENT, ...headers };
  const { status, retryAfter } = await postGuarded(place, { headers: all, body }, signal);
  if (status >= 200 && status < 300) return;
  const gone = status === 410;
  const detail = { host: place.url.host, expected: '2xx', received: status };
  const sentence = `${place.url.host}: expected a status of 2xx, received ${status}`;
  throw new DeliveryFailure(gone ? 'webhook.gone' : 'webhook.refused', sentence, {
    detail,
    gone,
    retryAfterMs: readRetryAfter(retryAfter, clock()) ?? 0,
  });
}

/** Whether everything that a webhook refers to can be read. Throws as {@link sendWebhook} does. */
export async function checkWebhook(
  place: WebhookPlace & Partial<SigningSecrets>,
  env: Environment,
): Promise<void> {
  await readUrl(place.url, env);
  await readKeys({ secrets: place.secrets ?? [] }, env);
}

function readKeys({ secrets }: SigningSecrets, env: Environment): Promise<Buffer[]> {
  return Promise.all(
    secrets.map(async (secret) =>
      readSigningSecret(await resolveSecret(secret, env), formatReference(secret)),
    ),
  );
}

/** Throws `webhook.bad_url`, which names the reference and never the value. */
async function readUrl(source: UrlSource, env: Environment): Promise<URL> {
  const text = source.kind === 'plain' ? source.value : await resolveSecret(source, env);
  const url = URL.parse(text);
  if (
    url !== null &&
    /^https?:$/.test(url.protocol) &&
    url.username === '' &&
    url.password === ''
  ) {
    return url;
  }
  const shown = source.kind === 'plain' ? 'the address' : `the secret ${formatReference(source)}`;
  const expected = 'an http or https URL without credentials';
  throw new AppError('webhook.bad_url', `Of ${shown}, ${expected} was expected.`, {
    detail: { expected },
  });
}
