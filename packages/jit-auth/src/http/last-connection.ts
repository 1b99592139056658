import { parseCookie } from 'cookie';
import type { Request, Response } from 'express';

/** Half a year, in milliseconds. */
const MAX_AGE = 180 * 86_400_000;

function nameOf(https: boolean): string {
  return https ? '__Host-rollcall-connection' : 'rollcall-connection';
}

/** Remembers by which connection this browser has signed in: to be offered first, for nothing else. */
export function rememberConnection(response: Response, id: string, https: boolean): void {
  response.cookie(nameOf(https), id, {
    path: '/',
    httpOnly: true,
    secure: https,
    sameSite: 'lax',
    maxAge: MAX_AGE,
  });
}

/** What the browser remembers; whoever has it may write anything there. Null for nothing. */
export function lastConnection(request: Request, https: boolean): string | null {
  return parseCookie(request.get('cookie') ?? '')[nameOf(https)] ?? null;
}
