import type { ScimObject } from '@rollcall/jit-auth/scim/resource/scim-value';

export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

/** A user as she is kept. */
export const ADA: ScimObject = {
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', ENTERPRISE],
  id: '2819c223-7f76-453a-919d-413861904646',
  externalId: '00uAda',
  userName: 'Ada@acme.example',
  name: { givenName: 'Ada', familyName: 'Lovelace' },
  title: 'Countess',
  active: true,
  emails: [
    { value: 'Ada@acme.example', type: 'work', primary: true },
    { value: 'ada@home.example', type: 'home' },
  ],
  roles: [{ value: 'Analyst' }],
  [ENTERPRISE]: {
    department: 'Analysis',
    employeeNumber: '1815',
    manager: { value: '26118915' },
  },
  meta: {
    resourceType: 'User',
    created: '2026-01-01T00:00:00.000Z',
    lastModified: '2026-01-02T00:00:00.000Z',
  },
};
