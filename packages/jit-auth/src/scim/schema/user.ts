import { attribute, complex, plural } from './attribute.ts';
import { ENTERPRISE_USER } from './enterprise-user.ts';
import type { ResourceType, Schema } from './schema.ts';

const NAME = complex('name', 'The parts of the name.', [
  attribute('formatted', 'The whole name, as it is written.'),
  attribute('familyName', 'The family name.'),
  attribute('givenName', 'The given name.'),
  attribute('middleName', 'The middle names.'),
  attribute('honorificPrefix', 'Titles before the name.'),
  attribute('honorificSuffix', 'Titles behind the name.'),
]);

const ADDRESSES = complex(
  'addresses',
  'Postal addresses.',
  [
    attribute('formatted', 'The whole address, as it is written.'),
    attribute('streetAddress', 'Street and number.'),
    attribute('locality', 'City.'),
    attribute('region', 'State or region.'),
    attribute('postalCode', 'Postal code.'),
    attribute('country', 'Country, by its code of two letters (ISO 3166-1).'),
    attribute('type', 'What the address is for.', { canonicalValues: ['work', 'home', 'other'] }),
    attribute('primary', 'Whether it is the preferred one.', { type: 'boolean' }),
  ],
  { multiValued: true },
);

const GROUPS = complex(
  'groups',
  'The groups that the user is a member of. Change them at the group.',
  [
    attribute('value', 'The id of the group.', { caseExact: true, mutability: 'readOnly' }),
    attribute('$ref', 'The address of the group.', {
      type: 'reference',
      referenceTypes: ['Group'],
      caseExact: true,
      mutability: 'readOnly',
    }),
    attribute('display', 'The name of the group.', { mutability: 'readOnly' }),
    attribute('type', 'Always direct: groups have no groups.', {
      canonicalValues: ['direct'],
      mutability: 'readOnly',
    }),
  ],
  { multiValued: true, mutability: 'readOnly' },
);

/** RFC 7643 §4.1. */
const USER_SCHEMA: Schema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:User',
  name: 'User',
  description: 'A person',
  attributes: [
    attribute('userName', 'The name by which the client looks the user up.', {
      required: true,
      uniqueness: 'server',
    }),
    NAME,
    attribute('displayName', 'How people read the user.'),
    attribute('nickName', 'What the user is called.'),
    attribute('profileUrl', 'A page about the user.', {
      type: 'reference',
      referenceTypes: ['external'],
      caseExact: true,
    }),
    attribute('title', 'The job title. Rules may name it.'),
    attribute('userType', 'What the user is to the organization. Rules may name it.'),
    attribute('preferredLanguage', 'The preferred language.'),
    attribute('locale', 'The place whose conventions are used.'),
    attribute('timezone', 'The time zone.'),
    attribute('active', 'Whether the user has access. false ends every session at once.', {
      type: 'boolean',
    }),
    // Nobody signs in here with a password: one that comes is thrown away.
    attribute('password', 'Accepted and thrown away.', {
      caseExact: true,
      mutability: 'writeOnly',
      returned: 'never',
    }),
    plural('emails', 'E-mail addresses.', { types: ['work', 'home', 'other'] }),
    plural('phoneNumbers', 'Telephone numbers.', {
      types: ['work', 'home', 'mobile', 'fax', 'pager', 'other'],
    }),
    plural('ims', 'Addresses for instant messages.'),
    plural('photos', 'Pictures.', {
      value: { type: 'reference', referenceTypes: ['external'], caseExact: true },
      types: ['photo', 'thumbnail'],
    }),
    ADDRESSES,
    GROUPS,
    plural('entitlements', 'What the user is entitled to. Rules may name them.'),
    plural('roles', 'Roles that the client gives the user. Rules may name them.'),
    plural('x509Certificates', 'Certificates.', { value: { type: 'binary', caseExact: true } }),
  ],
};

/** RFC 7643 §4.1 and §4.3. */
export const USER: ResourceType = {
  name: 'User',
  description: 'A person',
  endpoint: '/Users',
  schema: USER_SCHEMA,
  extensions: [ENTERPRISE_USER],
};
