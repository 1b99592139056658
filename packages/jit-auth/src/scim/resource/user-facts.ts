import { faultOfImmutableId } from '@rollcall/shared/core/ids';
import type { Profile } from '@rollcall/shared/core/user';
import { ENTERPRISE_USER } from '../schema/enterprise-user.ts';
import { USER } from '../schema/user.ts';
import { badRequest } from '../scim-error.ts';
import { fold, foldResource } from './fold.ts';
import { isPrimary } from './read-value.ts';
import {
  heldAt,
  isScimList,
  isScimObject,
  type ScimObject,
  type ScimValue,
  withValue,
} from './scim-value.ts';

/** What of a user's attributes is looked for, and what of them this service uses. */
export interface UserFacts {
  readonly userNameKey: string;
  readonly externalId: string | null;
  readonly active: boolean;
  readonly emailKeys: readonly string[];
  readonly resource: ScimObject;
  readonly search: ScimObject;
  readonly profile: Profile;
}

/** An index of Postgres holds no longer text (2,704 bytes, and a character may take four). */
const LONGEST_KEY = 512;
/** As for what assertions say. */
const LONGEST_TEXT = 1_024;
/** Characters of all attributes together, as JSON: a page has a thousand people. */
const LARGEST = 131_072;

/**
 * What follows from a user's attributes. Pure. Throws `invalidValue` where one of them is
 * too long to be looked for, or names nobody.
 *
 * @param active whether the user is active where the attributes do not say.
 */
export function userFacts(given: ScimObject, active: boolean): UserFacts {
  const said = heldAt(given, 'active');
  const resource = withValue(given, 'active', typeof said === 'boolean' ? said : active);
  if (JSON.stringify(resource).length > LARGEST) {
    throw badRequest('invalidValue', `A user has at most ${LARGEST} characters.`);
  }
  const userName = requireShort('userName', textAt(resource, 'userName') ?? '');
  const emails = valuesOf(resource, 'emails');
  const emailKeys = emails.map((one) => fold(requireShort('emails.value', one)));
  const schemas = { schemas: schemasOf(resource) };
  return {
    userNameKey: fold(userName),
    externalId: readExternalId(resource),
    active: typeof said === 'boolean' ? said : active,
    emailKeys: [...new Set(emailKeys)],
    resource,
    search: foldResource({ ...resource, ...schemas }, USER),
    profile: profileOf(resource),
  };
}

/** The schemas that a user has attributes of (RFC 7643 §3). */
export function schemasOf(resource: ScimObject): readonly string[] {
  const extended = USER.extensions.filter(({ id }) => heldAt(resource, id) !== undefined);
  return [USER.schema.id, ...extended.map(({ id }) => id)];
}

function readExternalId(resource: ScimObject): string | null {
  const externalId = textAt(resource, 'externalId');
  if (externalId === null || externalId === '') return null;
  const fault = faultOfImmutableId(externalId);
  if (fault === null) return externalId;
  throw badRequest('invalidValue', 'externalId must be 1 to 256 printable characters, not padded.');
}

function profileOf(resource: ScimObject): Profile {
  const name = heldAt(resource, 'name');
  const part = (sub: string) => (isScimObject(name) ? short(textAt(name, sub)) : null);
  return {
    email: short(emailOf(heldAt(resource, 'emails'))),
    givenName: part('givenName'),
    familyName: part('familyName'),
  };
}

/** The primary address, else that for work, else the first. */
function emailOf(emails: ScimValue | undefined): string | null {
  const all = isScimList(emails) ? emails.filter(isScimObject) : [];
  const work = all.find((one) => textAt(one, 'type')?.toLowerCase() === 'work');
  const chosen = all.find(isPrimary) ?? work ?? all[0];
  return chosen === undefined ? null : textAt(chosen, 'value');
}

function short(text: string | null): string | null {
  if (text === null || text.length <= LONGEST_TEXT) return text;
  throw badRequest('invalidValue', `Names have at most ${LONGEST_TEXT} characters.`);
}

function requireShort(name: string, text: string): string {
  if (fold(text).length <= LONGEST_KEY) return text;
  throw badRequest('invalidValue', `${name} has at most ${LONGEST_KEY} characters.`);
}

function valuesOf(resource: ScimObject, name: string): readonly string[] {
  const list = heldAt(resource, name);
  if (!isScimList(list)) return [];
  return list.flatMap((one) => (isScimObject(one) ? (textAt(one, 'value') ?? []) : []));
}

function textAt(object: ScimObject, name: string): string | null {
  const value = heldAt(object, name);
  return typeof value === 'string' ? value : null;
}

/** Attributes that rules may name: their own names, those of an employer too. */
const RULED = ['userName', 'displayName', 'nickName', 'title', 'userType', 'locale'] as const;
const RULED_LISTS = ['roles', 'entitlements'] as const;

/** The attributes of a user as rules name them, by the names of the schema. */
export function ruledAttributes(resource: ScimObject): ReadonlyMap<string, readonly string[]> {
  const employer = heldAt(resource, ENTERPRISE_USER.id);
  const own = RULED.map((name) => [name, textAt(resource, name)] as const);
  const enterprise = ENTERPRISE_USER.attributes.map(({ name }) => {
    return [name, isScimObject(employer) ? textAt(employer, name) : null] as const;
  });
  const single = [...own, ...enterprise].flatMap(([name, text]) =>
    text === null ? [] : [[name, [text]] as const],
  );
  const lists = RULED_LISTS.map((name) => [name, valuesOf(resource, name)] as const);
  return new Map([...single, ...lists.filter(([, values]) => values.length > 0)]);
}
