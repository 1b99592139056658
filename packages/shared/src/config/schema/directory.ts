import * as z from 'zod';
import { closestName } from '../closest-name.ts';
import { asking, toAsking } from './asking.ts';
import { entra } from './directories/entra.ts';
import { okta } from './directories/okta.ts';
import { count, duration, expecting, mapping, name, oneOf, quote } from './fields.ts';
import { ldapSchema } from './ldap.ts';
import { secretReference } from './references.ts';
import { roster } from './roster.ts';
import { apiBaseUrl } from './urls.ts';

/** The directories that this version can ask. */
export const DIRECTORY_TYPES = [
  'scim',
  'entra',
  'keycloak',
  'ldap',
  'okta',
  'roster',
  'none',
] as const;

/** The directory part of a connection, told apart by `type`. */
export function directorySchema(baseDir: string) {
  return z.discriminatedUnion(
    'type',
    [
      scim(baseDir),
      entra(baseDir),
      keycloak(baseDir),
      ldapSchema(baseDir),
      okta(baseDir),
      roster(baseDir),
      none(),
    ],
    {
      error: (issue) => wrongType(issue.input),
    },
  );
}

function scim(baseDir: string) {
  return mapping({
    type: z.literal('scim'),
    url: apiBaseUrl(),
    token: secretReference(baseDir),
    assignment_group: name('the name of a group').optional(),
    timeout: duration('1s', '5m').prefault('10s'),
    page_size: pageSize().default(200),
    ...asking(),
  }).transform((directory) => ({
    type: directory.type,
    /** The base, without a slash at the end. */
    url: directory.url,
    token: directory.token,
    /** Only members of this group are assigned; null: everybody is. */
    assignmentGroup: directory.assignment_group ?? null,
    timeoutMs: directory.timeout,
    pageSize: directory.page_size,
    ...toAsking(directory),
  }));
}

function keycloak(baseDir: string) {
  return mapping({
    type: z.literal('keycloak'),
    url: apiBaseUrl('/realms/'),
    realm: name('the name of a realm'),
    client_id: name('a client id'),
    client_secret: secretReference(baseDir),
    group_names: oneOf(['name', 'path']).default('name'),
    timeout: duration('1s', '5m').prefault('10s'),
    ...asking(),
  }).transform((directory) => ({
    type: directory.type,
    /** The base, without a slash at the end and without `/realms/…`. */
    url: directory.url,
    realm: directory.realm,
    clientId: directory.client_id,
    clientSecret: directory.client_secret,
    /** How the SAML mapper writes groups: `analysts`, or `/company/analysts`. */
    groupNames: directory.group_names,
    timeoutMs: directory.timeout,
    ...toAsking(directory),
  }));
}

function none() {
  return mapping({ type: z.literal('none') }).transform((directory) => ({ type: directory.type }));
}

/** RFC 7644 §3.4.2.4: `count`. */
function pageSize() {
  return count(1, 1000);
}

function wrongType(input: unknown): string {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return expecting('a mapping')({ input });
  }
  const supported = `expected one of ${DIRECTORY_TYPES.join(', ')}`;
  const type: unknown = Object.hasOwn(input, 'type') ? Reflect.get(input, 'type') : undefined;
  if (typeof type !== 'string')
    return expecting(supported.slice('expected '.length))({ input: type });
  const near = closestName(type, DIRECTORY_TYPES);
  const advice = near === null ? '' : `: did you mean "${near}"?`;
  return `this version cannot ask a directory of type ${quote(type)}: ${supported}${advice}`;
}
