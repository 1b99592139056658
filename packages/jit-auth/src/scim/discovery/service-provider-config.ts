import { CURSOR_MS } from '../paging/cursor.ts';
import { DEFAULT_PAGE, MAX_PAGE } from '../paging/list-query.ts';

/** The largest body of a request, in bytes: some 20,000 members of a group. */
export const MAX_BODY = 4 * 1024 * 1024;
/** RFC 7644 §3.7.4. */
export const MAX_BULK_OPERATIONS = 100;
export const MAX_BULK_BODY = 1024 * 1024;

/** What this service can do (RFC 7643 §5, RFC 9865 §3). */
export function serviceProviderConfig(baseUrl: string): object {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
    patch: { supported: true },
    bulk: {
      supported: true,
      maxOperations: MAX_BULK_OPERATIONS,
      maxPayloadSize: MAX_BULK_BODY,
    },
    filter: { supported: true, maxResults: MAX_PAGE },
    changePassword: { supported: false },
    sort: { supported: true },
    etag: { supported: true },
    pagination: {
      cursor: true,
      index: true,
      defaultPaginationMethod: 'index',
      defaultPageSize: DEFAULT_PAGE,
      maxPageSize: MAX_PAGE,
      cursorTimeout: CURSOR_MS / 1000,
    },
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'Bearer token',
        description: 'A token of `rollcall scim token create`, in the Authorization header.',
        specUri: 'https://www.rfc-editor.org/info/rfc6750',
        primary: true,
      },
    ],
    meta: {
      resourceType: 'ServiceProviderConfig',
      location: `${baseUrl}/ServiceProviderConfig`,
    },
  };
}
