import type { Finding } from './issues.ts';
import type { Outline } from './outline.ts';
import { quote } from './schema/fields.ts';
import type { KeyPath } from './yaml-document.ts';

/** Two parts that do not fit together. */
export function conflict(path: KeyPath, message: string): Finding {
  return { path, message, code: 'config.conflict' };
}

/** Nothing where the connection is there; the connection is not, otherwise. */
export function unknownConnection(id: string, path: KeyPath, { connections }: Outline): Finding[] {
  const known = new Set(connections.flatMap((connection) => connection.id ?? []));
  if (known.has(id) || known.size === 0) return [];
  const message = `expected the id of a connection (${[...known].join(', ')}), received ${quote(id)}`;
  return [{ path, message, code: 'config.unknown_connection' }];
}
