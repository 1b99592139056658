import { attribute, complex } from './attribute.ts';
import type { ResourceType } from './schema.ts';

/** RFC 7643 §4.2. Members are users: a group in a group would hide who has a role, and why. */
export const GROUP: ResourceType = {
  name: 'Group',
  description: 'Users whom rules may give a role together',
  endpoint: '/Groups',
  schema: {
    id: 'urn:ietf:params:scim:schemas:core:2.0:Group',
    name: 'Group',
    description: 'Users whom rules may give a role together',
    attributes: [
      attribute('displayName', 'The name that rules name.', {
        required: true,
        uniqueness: 'server',
      }),
      complex(
        'members',
        'The members.',
        [
          attribute('value', 'The id of the user.', { caseExact: true, mutability: 'immutable' }),
          attribute('$ref', 'The address of the user.', {
            type: 'reference',
            referenceTypes: ['User'],
            caseExact: true,
            mutability: 'immutable',
          }),
          attribute('display', 'The name of the user.', { mutability: 'readOnly' }),
          attribute('type', 'Always User.', { canonicalValues: ['User'], mutability: 'immutable' }),
        ],
        { multiValued: true },
      ),
    ],
  },
  extensions: [],
};
