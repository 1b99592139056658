import type { Config } from '@rollcall/shared/config/types';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Tx } from '@rollcall/shared/db/database';
import { listScimTokens, type ScimToken } from '@rollcall/shared/db/scim-tokens';
import { isoOf } from '@rollcall/shared/db/timestamp';
import type { Notification } from '@rollcall/shared/notify/raise';

const DAY_MS = 86_400_000;
/** So many days before the end somebody is told, and once more when it has come. */
const STEPS = [1, 7, 14];

/** What is to be told of tokens that end: not of one that has a successor, or was revoked. */
export async function readEndingTokens(
  tx: Tx,
  connections: Config['connections'],
  now: EpochMs,
): Promise<readonly Notification[]> {
  const taking = new Set<string>(
    connections.filter(({ provisioning }) => provisioning !== 'jit').map(({ id }) => id),
  );
  const tokens = taking.size === 0 ? [] : await listScimTokens(tx, null);
  return tokens
    .filter(({ connectionId }) => taking.has(connectionId))
    .flatMap((token) => noticeOf(token, now) ?? []);
}

function noticeOf(token: ScimToken, now: EpochMs): Notification | null {
  const { id, connectionId, name, expiresAt, rotatedAt, revokedAt } = token;
  if (expiresAt === null || rotatedAt !== null || revokedAt !== null) return null;
  const daysLeft = Math.floor((expiresAt - now) / DAY_MS);
  const step = daysLeft < 0 ? 'ended' : STEPS.find((days) => daysLeft < days);
  // What ended long ago was told long ago, or by nobody's wish.
  if (step === undefined || daysLeft < -Math.max(...STEPS)) return null;
  return {
    event: 'scim.token_expiring',
    connectionId,
    about: `${id} ${step === 'ended' ? step : `${step} days`}`,
    facts: { token: name, expires_at: isoOf(expiresAt), days_left: daysLeft },
  };
}
