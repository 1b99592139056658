import type { Config, DirectoryConfig } from '@rollcall/shared/config/types';

/**
 * The server that a directory is on. Connections that ask the same one share its
 * limits, in whatever process they are swept.
 */
export interface DirectoryPlace {
  /** Its origin, such as `https://idp.example.com`. */
  readonly key: string;
  /** How many connections may be swept against it at once. */
  readonly concurrency: number;
  /** How many requests a second it is sent at most; null: as fast as it answers. */
  readonly requestsPerSecond: number | null;
}

/** The place of a directory; null where there is none to ask. */
export function placeOf(
  directory: DirectoryConfig,
  connections: Config['connections'],
): DirectoryPlace | null {
  const key = originOf(directory);
  if (key === null) return null;
  const there = connections.flatMap((one) =>
    originOf(one.directory) === key ? one.directory : [],
  );
  const asking = [directory, ...there].flatMap((one) => ('concurrency' in one ? one : []));
  const rates = asking.flatMap(({ requestsPerSecond }) => requestsPerSecond ?? []);
  return {
    key,
    // They share one server: what one of them says must hold for all.
    concurrency: Math.min(...asking.map(({ concurrency }) => concurrency)),
    requestsPerSecond: rates.length === 0 ? null : Math.min(...rates),
  };
}

function originOf(directory: DirectoryConfig): string | null {
  if (directory.type === 'ldap') {
    const { host, port } = directory.address;
    return `ldap://${host}:${port}`;
  }
  return 'concurrency' in directory ? new URL(directory.url).origin : null;
}
