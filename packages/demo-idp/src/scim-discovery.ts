import { GROUP_SCHEMA, type ScimResource, USER_SCHEMA } from './scim-resources.ts';

const CORE = 'urn:ietf:params:scim:schemas:core:2.0';

/** What this directory can do (RFC 7643 §5, paging from RFC 9865 §4). */
export function renderServiceProviderConfig(baseUrl: string, pageSize: number): ScimResource {
  return {
    schemas: [`${CORE}:ServiceProviderConfig`],
    patch: { supported: false },
    bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: true, maxResults: pageSize },
    changePassword: { supported: false },
    sort: { supported: true },
    etag: { supported: false },
    pagination: {
      cursor: false,
      index: true,
      defaultPaginationMethod: 'index',
      defaultPageSize: pageSize,
      maxPageSize: pageSize,
    },
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'Bearer token',
        description: 'A fixed token in the Authorization header',
        primary: true,
      },
    ],
    meta: {
      resourceType: 'ServiceProviderConfig',
      location: `${baseUrl}/ServiceProviderConfig`,
    },
  };
}

/** The resource types (RFC 7643 §6). */
export function renderResourceTypes(baseUrl: string): readonly ScimResource[] {
  const types = [
    { name: 'User', endpoint: '/Users', schema: USER_SCHEMA },
    { name: 'Group', endpoint: '/Groups', schema: GROUP_SCHEMA },
  ];
  return types.map((type) => ({
    schemas: [`${CORE}:ResourceType`],
    id: type.name,
    ...type,
    meta: {
      resourceType: 'ResourceType',
      location: `${baseUrl}/ResourceTypes/${type.name}`,
    },
  }));
}

/** The schemas, with the attributes that are really sent (RFC 7643 §7). */
export function renderSchemas(baseUrl: string): readonly ScimResource[] {
  const user = [
    text('userName', { required: true, uniqueness: 'server' }),
    text('displayName'),
    complex('name', false, [text('formatted'), text('givenName'), text('familyName')]),
    complex('emails', true, [text('value'), text('type'), flag('primary')]),
    flag('active'),
    complex('groups', true, [text('value'), reference('Group'), text('display'), text('type')]),
  ];
  const group = [
    text('displayName', { required: true }),
    complex('members', true, [text('value'), reference('User'), text('display'), text('type')]),
  ];
  return [
    renderSchema(USER_SCHEMA, 'User', user, baseUrl),
    renderSchema(GROUP_SCHEMA, 'Group', group, baseUrl),
  ];
}

function renderSchema(
  id: string,
  name: string,
  attributes: readonly ScimResource[],
  baseUrl: string,
): ScimResource {
  return {
    schemas: [`${CORE}:Schema`],
    id,
    name,
    attributes,
    meta: { resourceType: 'Schema', location: `${baseUrl}/Schemas/${id}` },
  };
}

function attribute(name: string, type: string, more: ScimResource = {}): ScimResource {
  return {
    name,
    type,
    multiValued: false,
    required: false,
    caseExact: false,
    // Everything is changed on the directory's own page, never over SCIM.
    mutability: 'readOnly',
    returned: 'default',
    uniqueness: 'none',
    ...more,
  };
}

function text(name: string, more: ScimResource = {}): ScimResource {
  return attribute(name, 'string', more);
}

function flag(name: string): ScimResource {
  return attribute(name, 'boolean');
}

function reference(to: string): ScimResource {
  return attribute('$ref', 'reference', { referenceTypes: [to], caseExact: true });
}

function complex(
  name: string,
  multiValued: boolean,
  subAttributes: readonly ScimResource[],
): ScimResource {
  return attribute(name, 'complex', { multiValued, subAttributes });
}
