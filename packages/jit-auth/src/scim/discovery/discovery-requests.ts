import type { ScimAnswer, ScimCall, ScimRequest } from '../call.ts';
import { LIST_SCHEMA } from '../paging/list-answer.ts';
import { notFound } from '../refusals.ts';
import type { Attribute } from '../schema/attribute.ts';
import { GROUP } from '../schema/group.ts';
import type { ResourceType, Schema } from '../schema/schema.ts';
import { USER } from '../schema/user.ts';
import { ScimError } from '../scim-error.ts';
import { serviceProviderConfig } from './service-provider-config.ts';

const TYPES: readonly ResourceType[] = [USER, GROUP];
const SCHEMAS: readonly Schema[] = TYPES.flatMap((type) => [type.schema, ...type.extensions]);

/** `GET /ServiceProviderConfig` (RFC 7644 §4). */
export function getServiceProviderConfig({ baseUrl }: ScimCall): ScimAnswer {
  return { status: 200, body: serviceProviderConfig(baseUrl) };
}

/** `GET /ResourceTypes` (RFC 7644 §4). */
export function listResourceTypes({ baseUrl }: ScimCall, request: ScimRequest): ScimAnswer {
  requireNoFilter(request);
  return listOf(TYPES.map((type) => showType(type, baseUrl)));
}

/** `GET /ResourceTypes/{name}`. */
export function getResourceType({ baseUrl }: ScimCall, name: string): ScimAnswer {
  const type = TYPES.find((one) => one.name === name);
  if (type === undefined) throw notFound('type of resource');
  return { status: 200, body: showType(type, baseUrl) };
}

/** `GET /Schemas` (RFC 7644 §4). */
export function listSchemas({ baseUrl }: ScimCall, request: ScimRequest): ScimAnswer {
  requireNoFilter(request);
  return listOf(SCHEMAS.map((schema) => showSchema(schema, baseUrl)));
}

/** `GET /Schemas/{urn}`. */
export function getSchema({ baseUrl }: ScimCall, urn: string): ScimAnswer {
  const schema = SCHEMAS.find(({ id }) => id.toLowerCase() === urn.toLowerCase());
  if (schema === undefined) throw notFound('schema');
  return { status: 200, body: showSchema(schema, baseUrl) };
}

/** RFC 7644 §4: what is announced is announced whole, or a client would miss a part of it. */
function requireNoFilter({ query }: ScimRequest): void {
  if (!query.has('filter')) return;
  throw new ScimError(403, null, 'scim.discovery_filtered', 'This is not filtered (RFC 7644 §4).');
}

function listOf(resources: readonly object[]): ScimAnswer {
  const totalResults = resources.length;
  const counts = { totalResults, itemsPerPage: totalResults, startIndex: 1 };
  return { status: 200, body: { schemas: [LIST_SCHEMA], ...counts, Resources: resources } };
}

function showType(type: ResourceType, baseUrl: string): object {
  const { name, description, endpoint, schema, extensions } = type;
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
    id: name,
    name,
    description,
    endpoint,
    schema: schema.id,
    schemaExtensions: extensions.map(({ id }) => ({ schema: id, required: false })),
    meta: { resourceType: 'ResourceType', location: `${baseUrl}/ResourceTypes/${name}` },
  };
}

function showSchema({ id, name, description, attributes }: Schema, baseUrl: string): object {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
    id,
    name,
    description,
    attributes: attributes.map(showAttribute),
    meta: { resourceType: 'Schema', location: `${baseUrl}/Schemas/${id}` },
  };
}

function showAttribute(attribute: Attribute): object {
  const { subAttributes, ...characteristics } = attribute;
  if (attribute.type !== 'complex') return characteristics;
  return { ...characteristics, subAttributes: subAttributes.map(showAttribute) };
}
