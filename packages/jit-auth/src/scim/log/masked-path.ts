/** A resource's id as this service makes it. */
const OUR_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** The name of a type, or the URN of a schema: never an address. */
const SCHEMA_NAME = /^[A-Za-z0-9.:_-]{1,120}$/;
const PLACES: ReadonlySet<string> = new Set([
  'Users',
  'Groups',
  'ServiceProviderConfig',
  'ResourceTypes',
  'Schemas',
  'Bulk',
  'Me',
  '.search',
]);

/** What a request is about. */
export interface Target {
  readonly kind: 'User' | 'Group';
  /** In lower case. */
  readonly id: string;
}

/**
 * A path as it may be written down: clients ask for people by e-mail address where an id
 * of ours belongs, so whatever is neither one nor a name of SCIM's becomes `…`. Pure.
 */
export function maskedPath(path: string): string {
  const parts = partsOf(path);
  const [head = ''] = parts;
  const isSchema = head === 'Schemas' || head === 'ResourceTypes';
  const shown = parts.slice(0, 3).map((part, index) => {
    if (OUR_ID.test(part) || PLACES.has(part)) return part;
    return index === 1 && isSchema && SCHEMA_NAME.test(part) ? part : '…';
  });
  return `/${shown.join('/')}${parts.length > 3 ? '/…' : ''}`;
}

/** The user or group that a path names, or null. Pure. */
export function targetOf(path: string): Target | null {
  const [head, id] = partsOf(path);
  const kind = head === 'Users' ? 'User' : head === 'Groups' ? 'Group' : null;
  if (kind === null || id === undefined || !OUR_ID.test(id)) return null;
  return { kind, id: id.toLowerCase() };
}

function partsOf(path: string): readonly string[] {
  return path.split('/').filter((part) => part !== '');
}
