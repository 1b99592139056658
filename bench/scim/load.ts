import { quantile } from '../frame/statistics.ts';

/** One request, by its number. Throws where the answer is not what it was to be. */
export type NumberedRequest = (number: number) => Promise<void>;

/** How many requests, how many of them under way at once. */
export interface LoadPlan {
  readonly requests: number;
  readonly lanes: number;
  /** Not counted: caches, plans and the compiler come to rest. */
  readonly warmUps: number;
}

/** What was measured of requests of one kind. Times in milliseconds. */
export interface LoadResult {
  readonly requests: number;
  readonly lanes: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly perSecond: number;
  /** Milliseconds of a core a request, of each who shares the cores; null: not known. */
  readonly cpu: CpuShares;
}

/** Milliseconds of a core. */
export interface CpuShares {
  readonly client: number;
  readonly server: number;
  readonly postgres: number | null;
}

/** Says how much of the cores each has had until now. */
export type CpuMeter = () => Promise<CpuShares>;

/** Sends requests as fast as they are answered, in so many lanes. */
export async function runLoad(
  send: NumberedRequest,
  { requests, lanes, warmUps }: LoadPlan,
  meter: CpuMeter,
): Promise<LoadResult> {
  await inLanes(lanes, warmUps, (number) => send(number));
  const before = await meter();
  const took: number[] = [];
  const start = performance.now();
  await inLanes(lanes, requests, async (number) => {
    const sent = performance.now();
    await send(warmUps + number);
    took.push(performance.now() - sent);
  });
  const ms = performance.now() - start;
  const cpu = shareEach(before, await meter(), requests);
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => quantile(took, share)) as [
    number,
    number,
    number,
  ];
  return { requests, lanes, p50, p99, max, perSecond: (requests / ms) * 1_000, cpu };
}

async function inLanes(lanes: number, requests: number, send: NumberedRequest): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < requests) await send(next++);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

function shareEach(before: CpuShares, after: CpuShares, requests: number): CpuShares {
  const none = before.postgres === null || after.postgres === null;
  return {
    client: (after.client - before.client) / requests,
    server: (after.server - before.server) / requests,
    postgres: none ? null : (Number(after.postgres) - Number(before.postgres)) / requests,
  };
}
