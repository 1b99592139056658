import { RateLimiterRes } from 'rate-limiter-flexible';

/** How long to wait, in milliseconds; null where the points sufficed. Throws whatever else went wrong. */
export async function waitOf(counting: Promise<RateLimiterRes>): Promise<number | null> {
  try {
    await counting;
    return null;
  } catch (refused) {
    if (refused instanceof RateLimiterRes) return refused.msBeforeNext;
    throw refused;
  }
}
