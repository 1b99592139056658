/** The identity providers whose attribute names are known. */
export const PRESET_NAMES = [
  'okta',
  'entra',
  'google',
  'adfs',
  'keycloak',
  'auth0',
  'onelogin',
  'ping',
  'jumpcloud',
  'authentik',
  'aws',
  'generic',
] as const;
export type PresetName = (typeof PRESET_NAMES)[number];

/** What a preset fills in where the configuration says nothing. */
export interface Preset {
  /** The attribute that holds an immutable id by default, or why there is none. */
  readonly subject: { readonly attribute: string } | { readonly none: string };
  readonly email: string | null;
  readonly givenName: string | null;
  readonly familyName: string | null;
  /** Attributes that hold group names; empty: groups are not known. */
  readonly groups: readonly string[];
}

const CLAIMS = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/';
const PERSON = {
  email: `${CLAIMS}emailaddress`,
  givenName: `${CLAIMS}givenname`,
  familyName: `${CLAIMS}surname`,
};
const NO_PERSON = { email: null, givenName: null, familyName: null };
const GROUP_CLAIM = ['http://schemas.xmlsoap.org/claims/Group'];

/** Names as each IdP sends them when it is set up by its own guide. */
export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  okta: {
    subject: {
      none: 'Okta sends no immutable id by itself: add an attribute with the expression user.getInternalProperty("id") and name it here',
    },
    email: 'email',
    givenName: 'firstName',
    familyName: 'lastName',
    groups: ['groups'],
  },
  entra: {
    subject: { attribute: 'http://schemas.microsoft.com/identity/claims/objectidentifier' },
    ...PERSON,
    // Object ids, unless the application is set up to send names.
    groups: ['http://schemas.microsoft.com/ws/2008/06/identity/claims/groups'],
  },
  google: {
    subject: {
      none: 'Google names people by their e-mail address, which can change: map an immutable custom attribute and name it here',
    },
    ...NO_PERSON,
    groups: [],
  },
  adfs: {
    subject: {
      none: 'AD FS sends no immutable id by itself: add a claim rule for objectGUID and name its claim here',
    },
    ...PERSON,
    groups: GROUP_CLAIM,
  },
  keycloak: {
    subject: {
      none: 'Keycloak names people by their user name, which can change: map the user property id and name its attribute here',
    },
    email: 'urn:oid:1.2.840.113549.1.9.1',
    givenName: 'urn:oid:2.5.4.42',
    familyName: 'urn:oid:2.5.4.4',
    groups: ['member'],
  },
  auth0: {
    subject: { attribute: `${CLAIMS}nameidentifier` },
    ...PERSON,
    groups: GROUP_CLAIM,
  },
  onelogin: {
    subject: {
      none: 'OneLogin sends no immutable id by itself: add a parameter that holds the OneLogin ID and name it here',
    },
    email: 'User.email',
    givenName: 'User.FirstName',
    familyName: 'User.LastName',
    groups: ['memberOf'],
  },
  ping: {
    subject: {
      none: 'PingOne sends whatever saml_subject is mapped to: map the user id to an attribute and name it here',
    },
    ...NO_PERSON,
    groups: ['memberOfGroupIDs'],
  },
  jumpcloud: {
    subject: {
      none: 'JumpCloud sends no immutable id by itself: map one to an attribute and name it here',
    },
    ...NO_PERSON,
    groups: ['memberOf'],
  },
  authentik: {
    subject: { attribute: 'http://schemas.goauthentik.io/2021/02/saml/uid' },
    email: PERSON.email,
    // One attribute holds the whole name.
    givenName: null,
    familyName: null,
    groups: GROUP_CLAIM,
  },
  aws: {
    subject: {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: so it is typed in at AWS.
      none: 'IAM Identity Center sends what Subject is mapped to: map it to ${user:subject}, in the format persistent, and write { name_id: persistent } here',
    },
    // Names of attributes are the administrator's: these are what our guide has typed in.
    email: 'email',
    givenName: 'givenName',
    familyName: 'familyName',
    // Ids of groups: ${user:groups} sends no names.
    groups: ['groups'],
  },
  generic: {
    subject: {
      none: 'an unknown identity provider has no default: name the attribute that holds an immutable id, or { name_id: persistent }',
    },
    ...NO_PERSON,
    groups: [],
  },
};
