import { withTimeLimit } from '@rollcall/shared/db/database';
import type { ScimAnswer, ScimCall } from '../call.ts';
import { badRequest, ScimError } from '../scim-error.ts';

/** How long a statement of a listing may take that no index leads through, in milliseconds. */
const LIMIT_MS = 10_000;
/** How many of those are at work in this process: sign-ins need connections, too. */
const AT_ONCE = 2;
/** How many may wait for their turn. */
const WAITING = 32;

const waiting: (() => void)[] = [];
let atWork = 0;

/**
 * Answers a listing for which everybody may have to be looked at: within a time, or not at
 * all. Half an answer would be a wrong one. Throws `tooMany` (RFC 7644 §3.12), and 429
 * where too many others wait.
 */
export async function answerInTime(
  call: ScimCall,
  list: (call: ScimCall) => Promise<ScimAnswer>,
  limitMs: number = LIMIT_MS,
): Promise<ScimAnswer> {
  await takeTurn();
  try {
    return await withTimeLimit(call.db, limitMs, (tx) => list({ ...call, db: tx }));
  } catch (error) {
    throw isOutOfTime(error) ? tooMuch() : error;
  } finally {
    endTurn();
  }
}

async function takeTurn(): Promise<void> {
  if (atWork < AT_ONCE) {
    atWork += 1;
    return;
  }
  if (waiting.length >= WAITING) {
    const sentence = 'Too many listings are under way that look at everybody: please wait.';
    throw new ScimError(429, null, 'scim.too_many_requests', sentence);
  }
  await new Promise<void>((resolve) => waiting.push(resolve));
}

/** The turn goes on to whoever has waited longest. */
function endTurn(): void {
  const next = waiting.shift();
  if (next === undefined) atWork -= 1;
  else next();
}

/** 57014 query_canceled (PostgreSQL, Appendix A). */
function isOutOfTime(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '57014';
}

function tooMuch(): ScimError {
  const sentence =
    'More would have to be looked through than can be in time: filter by userName, externalId or an e-mail address, or by at least three letters of a name.';
  return badRequest('tooMany', sentence);
}
