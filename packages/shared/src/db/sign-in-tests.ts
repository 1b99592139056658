import { createHash, randomBytes } from 'node:crypto';
import { recordAudit } from '../access/record.ts';
import type { ConnectionId } from '../core/ids.ts';
import { after, type EpochMs } from '../core/time.ts';
import type { SignInTestReport } from '../explanation/sign-in-test.ts';
import { type Database, inTransaction } from './database.ts';
import { toTimestamp } from './timestamp.ts';

/** How long a ticket and what was seen with it are kept, in milliseconds. */
export const TEST_MS = 10 * 60_000;

/** Makes a ticket for one test sign-in. Only its hash is kept. */
export async function makeTestTicket(
  db: Database,
  connectionId: ConnectionId,
  madeBy: string,
  now: EpochMs,
): Promise<string> {
  const ticket = randomBytes(32).toString('base64url');
  await db
    .insertInto('sign_in_tests')
    .values({
      ticket_hash: hashOf(ticket),
      connection_id: connectionId,
      made_by: madeBy,
      expires_at: toTimestamp(after(now, TEST_MS)),
    })
    .execute();
  return ticket;
}

/** Uses a ticket, once, for a browser. False where there is none, or it was used or has expired. */
export async function useTestTicket(
  db: Database,
  ticket: string,
  connectionId: ConnectionId,
  browser: string,
  now: EpochMs,
): Promise<boolean> {
  const used = await db
    .updateTable('sign_in_tests')
    .set({ browser_hash: hashOf(browser) })
    .where('ticket_hash', '=', hashOf(ticket))
    .where('connection_id', '=', connectionId)
    .where('browser_hash', 'is', null)
    .where('expires_at', '>', toTimestamp(now))
    .returning('ticket_hash')
    .executeTakeFirst();
  return used !== undefined;
}

/** Whether a browser has begun a test by a connection that is not done yet. */
export async function isTestUnderWay(
  db: Database,
  browser: string,
  connectionId: ConnectionId,
  now: EpochMs,
): Promise<boolean> {
  const row = await db
    .selectFrom('sign_in_tests')
    .select('ticket_hash')
    .where('browser_hash', '=', hashOf(browser))
    .where('connection_id', '=', connectionId)
    .where('report', 'is', null)
    .where('expires_at', '>', toTimestamp(now))
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * Keeps what a browser's test showed, once, and writes down that there was a test.
 * False where no test of this browser is under way.
 */
export async function finishTest(
  db: Database,
  browser: string,
  connectionId: ConnectionId,
  report: SignInTestReport,
  now: EpochMs,
): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    const row = await tx
      .updateTable('sign_in_tests')
      .set({ report: JSON.stringify(report) })
      .where('browser_hash', '=', hashOf(browser))
      .where('connection_id', '=', connectionId)
      .where('report', 'is', null)
      .where('expires_at', '>', toTimestamp(now))
      .returning('made_by')
      .executeTakeFirst();
    if (row === undefined) return false;
    const entry = {
      kind: 'sign_in.tested' as const,
      userId: null,
      connectionId,
      evidence: { ok: report.ok, code: report.failure?.code ?? null },
      reference: report.reference,
    };
    await recordAudit(tx, entry, { kind: 'operator', name: row.made_by }, now);
    return true;
  });
}

/** Whether a test is under way, and what it showed. */
export async function readTest(
  db: Database,
  ticket: string,
): Promise<{ readonly begun: boolean; readonly report: SignInTestReport | null } | null> {
  const row = await db
    .selectFrom('sign_in_tests')
    .select(['browser_hash', 'report'])
    .where('ticket_hash', '=', hashOf(ticket))
    .executeTakeFirst();
  if (row === undefined) return null;
  return { begun: row.browser_hash !== null, report: row.report as SignInTestReport | null };
}

/** Deletes a test, and what it showed. */
export async function forgetTest(db: Database, ticket: string): Promise<void> {
  await db.deleteFrom('sign_in_tests').where('ticket_hash', '=', hashOf(ticket)).execute();
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret, 'utf8').digest('hex');
}
