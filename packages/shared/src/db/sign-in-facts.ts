import { X509Certificate } from 'node:crypto';
import { sql } from 'kysely';
import type { ConnectionId } from '../core/ids.ts';
import { type SignInFacts, speaksOfConnection } from '../core/sign-in-health.ts';
import { type EpochMs, toEpochMs } from '../core/time.ts';
import type { Database, Tx } from './database.ts';
import { fromNullableTimestamp, toTimestamp } from './timestamp.ts';

/** What the database knows of how sign-ins by a connection go, for `signInHealth`. */
export async function readSignInFacts(
  db: Database | Tx,
  connectionId: ConnectionId,
): Promise<SignInFacts> {
  const signIns = await db
    .selectFrom('connection_sign_ins')
    .select('last_at')
    .where('connection_id', '=', connectionId)
    .executeTakeFirst();
  const acceptedAt = fromNullableTimestamp(signIns?.last_at ?? null);
  return {
    acceptedAt,
    ...(await refusalsSince(db, connectionId, acceptedAt ?? toEpochMs(0))),
    ...(await identityProviderFacts(db, connectionId)),
  };
}

/** Of each code the latest few are kept with their times: enough to tell three from none. */
async function refusalsSince(
  db: Database | Tx,
  connectionId: ConnectionId,
  since: EpochMs,
): Promise<Pick<SignInFacts, 'refusedSince' | 'refusedAt'>> {
  const { rows } = await sql<{ code: string; count: string; last: string }>`
    select code, count(*) as count, max((note->>'at')::bigint) as last
      from sign_in_refusals, jsonb_array_elements(recent) as note
     where connection_id = ${connectionId} and last_at > ${toTimestamp(since)}
       and (note->>'at')::bigint > ${since}
     group by code`.execute(db);
  const telling = rows.filter(({ code }) => speaksOfConnection(code));
  const last = Math.max(0, ...telling.map((row) => Number(row.last)));
  return {
    refusedSince: telling.reduce((sum, { count }) => sum + Number(count), 0),
    refusedAt: last === 0 ? null : toEpochMs(last),
  };
}

/** Of the address that was asked last: copies of addresses that were left stay for a while. */
async function identityProviderFacts(
  db: Database | Tx,
  connectionId: ConnectionId,
): Promise<Pick<SignInFacts, 'certificatesEndAt' | 'metadata'>> {
  const copy = await db
    .selectFrom('identity_providers')
    .select(['source', 'fetched_at', 'valid_until', 'failures'])
    .where('connection_id', '=', connectionId)
    .orderBy(sql`greatest(fetched_at, failed_at)`, (order) => order.desc().nullsLast())
    .limit(1)
    .executeTakeFirst();
  if (copy === undefined) return { certificatesEndAt: null, metadata: null };
  const certificates = await db
    .selectFrom('identity_provider_certificates')
    .select('pem')
    .where('connection_id', '=', connectionId)
    .where('source', '=', copy.source)
    .where('standing', '=', 'announced')
    .execute();
  const ends = certificates.map(({ pem }) => new X509Certificate(pem).validToDate);
  const last = ends.sort((a, b) => b.getTime() - a.getTime())[0];
  return {
    certificatesEndAt: fromNullableTimestamp(last ?? null),
    metadata: {
      fetchedAt: fromNullableTimestamp(copy.fetched_at),
      validUntil: fromNullableTimestamp(copy.valid_until),
      failures: copy.failures,
    },
  };
}
