import { count } from './fields.ts';

/** How a server may be asked. Connections that ask the same one share the lowest. */
export function asking() {
  return {
    concurrency: count(1, 64).default(4),
    requests_per_second: count(1, 1000).optional(),
  };
}

/** The same in the terms of the code. */
export function toAsking(directory: {
  concurrency: number;
  requests_per_second?: number | undefined;
}) {
  return {
    /** How many connections are swept at once against this server. */
    concurrency: directory.concurrency,
    /** Null: as fast as it answers. */
    requestsPerSecond: directory.requests_per_second ?? null,
  };
}
