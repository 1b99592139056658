import type { Request } from 'express';

/**
 * Whether a request that changes something comes from our own pages. Browsers
 * say so in `Sec-Fetch-Site` or `Origin` (Fetch Metadata §2.4, Fetch §3.2); a
 * program sends neither, and has no cookie that a browser would send for it.
 */
export function isSameOrigin(request: Request, publicUrl: string): boolean {
  const site = request.get('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const origin = request.get('origin');
  return origin === undefined || origin === publicUrl;
}
