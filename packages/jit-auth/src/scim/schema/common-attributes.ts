import { attribute, complex } from './attribute.ts';

/** What every resource has, whatever its schema (RFC 7643 §3.1). No schema lists it. */
export const COMMON_ATTRIBUTES = [
  attribute('id', 'The id that this service gave.', {
    caseExact: true,
    mutability: 'readOnly',
    returned: 'always',
    uniqueness: 'server',
  }),
  attribute('externalId', 'The id by which the client names the resource.', { caseExact: true }),
  attribute('schemas', 'The schemas that the resource has.', {
    type: 'reference',
    referenceTypes: ['uri'],
    multiValued: true,
    caseExact: true,
    mutability: 'readOnly',
    returned: 'always',
  }),
  complex(
    'meta',
    'What this service says of the resource.',
    [
      attribute('resourceType', 'The name of its type.', {
        caseExact: true,
        mutability: 'readOnly',
      }),
      attribute('created', 'When it was created here.', {
        type: 'dateTime',
        mutability: 'readOnly',
      }),
      attribute('lastModified', 'When it was changed here last.', {
        type: 'dateTime',
        mutability: 'readOnly',
      }),
      attribute('location', 'Its address.', {
        type: 'reference',
        referenceTypes: ['uri'],
        caseExact: true,
        mutability: 'readOnly',
      }),
      attribute('version', 'Its version, as an entity tag.', {
        caseExact: true,
        mutability: 'readOnly',
      }),
    ],
    { mutability: 'readOnly' },
  ),
] as const;
