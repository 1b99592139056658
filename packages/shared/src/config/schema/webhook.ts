import * as z from 'zod';
import { isAllowedTransport } from '../../http/guarded-post.ts';
import type { UrlSource } from '../secrets.ts';
import { flag, list, patterned, quote, textAs } from './fields.ts';
import { readReferenceOr, secretReference } from './references.ts';
import { readAnyWebUrl } from './urls.ts';

const NAME = /^[a-z0-9][a-z0-9_.-]{0,62}$/;
const NAME_FORM = 'a name of lower-case letters, digits, ".", "_" and "-", 1 to 63 characters';

/** What waits for a sink or a target waits under its name. */
export function sinkName() {
  return patterned(NAME, NAME_FORM);
}

/** What a webhook needs, whatever it is told. */
export function webhookFields(baseDir: string) {
  return {
    url: webhookUrl(baseDir),
    secret: secrets(baseDir),
    allow_private: flag().default(false),
    allow_http: flag().default(false),
  };
}

const URL_FORM = 'a reference (env:NAME or file:/path) or an https URL';

/** A reference, or a URL that holds nothing secret. Whether http is allowed is checked when it is used. */
function webhookUrl(baseDir: string) {
  return textAs(URL_FORM, (text) => readReferenceOr(text, baseDir, readAnyWebUrl));
}

/** One reference, or several while a secret is changed: newest first. */
function secrets(baseDir: string) {
  const expected = 'a reference, or a list of one to five';
  const several = list(secretReference(baseDir), expected, 1).max(5, {
    error: () => `expected ${expected}`,
  });
  return z.preprocess((value) => (typeof value === 'string' ? [value] : value), several);
}

interface Named {
  readonly type: string;
  readonly name: string;
}

interface Webhook {
  readonly url?: UrlSource;
  readonly allowHttp?: boolean;
}

/** What one key of an entry says about another, and one entry about the next. */
export function checkEntries(
  context: z.core.ParsePayload<(Named & Webhook)[]>,
  what: string,
): void {
  eachNameOnce(context, what);
  for (const [index, { url, allowHttp }] of context.value.entries()) {
    if (url?.kind !== 'plain' || isAllowedTransport(new URL(url.value), allowHttp ?? false))
      continue;
    const message = 'must be https: http is accepted for this machine, or with allow_http: true';
    const params = { code: 'config.bad_value' };
    context.issues.push({
      code: 'custom',
      input: undefined,
      path: [index, 'url'],
      message,
      params,
    });
  }
}

/** Two of one name would share what is meant for each. */
function eachNameOnce(context: z.core.ParsePayload<Named[]>, what: string): void {
  const names = context.value.map(({ name }) => name);
  for (const [index, name] of names.entries()) {
    const first = names.indexOf(name);
    if (first === index) continue;
    context.issues.push({
      code: 'custom',
      input: undefined,
      path: [index],
      message: `expected a name of its own for each ${what}, received ${quote(name)}, which number ${first} has already (add name: …)`,
      params: { code: 'config.duplicate' },
    });
  }
}
