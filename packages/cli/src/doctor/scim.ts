import { demandsCertificate } from '@rollcall/jit-auth/scim/certificate/certificate-binding';
import { isLive } from '@rollcall/jit-auth/scim/tokens/token-book';
import type { ConnectionConfig } from '@rollcall/shared/config/types';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database } from '@rollcall/shared/db/database';
import { listScimTokens, type ScimToken } from '@rollcall/shared/db/scim-tokens';
import { daysUntil, sayDuration, sayWhen } from '../render/when.ts';
import { type Finding, ok, wrong } from './finding.ts';
import type { Patient } from './patient.ts';

/** So many days before its end a token is due to be rotated. */
const ENDING_DAYS = 14;
/** So long after it was made a client should have used it, in milliseconds. */
const UNUSED_MS = 24 * 3_600_000;

const CHECK = 'scim';

/** Whether a client can push people, and will be able to for a while. */
export async function examineScim(
  { id, provisioning }: ConnectionConfig,
  db: Database,
  { config, clock }: Pick<Patient, 'config' | 'clock'>,
): Promise<readonly Finding[]> {
  if (provisioning === 'jit') return [];
  const now = clock();
  const live = (await listScimTokens(db, id)).filter((token) => isLive(token, now));
  // What was rotated out is to end: its successor counts.
  const current = live.filter(({ rotatedAt }) => rotatedAt === null);
  if (live.length === 0) {
    const message = 'expected a token for the client, received none that is good';
    const cure = `rollcall scim token create ${id} --name NAME, and give it to the identity provider.`;
    return [wrong('fault', CHECK, { code: 'doctor.scim_no_token', message, cure })];
  }
  const unread = config.scim.clientCertificate === null;
  const findings = current.flatMap((token) => judgeToken(token, unread, now));
  return findings.length > 0 ? findings : [ok(CHECK, sayTokens(current, now))];
}

function judgeToken(token: ScimToken, unread: boolean, now: EpochMs): readonly Finding[] {
  const { connectionId, name, expiresAt, lastUsedAt, createdAt } = token;
  const findings: Finding[] = [];
  if (unread && demandsCertificate(token)) {
    const message = `token ${name} demands a client certificate, and no proxy is named that says which one there is`;
    const cure = 'Give the configuration scim.client_certificate.';
    findings.push(wrong('fault', CHECK, { code: 'doctor.scim_certificate_unread', message, cure }));
  }
  if (expiresAt !== null && daysUntil(expiresAt, now) < ENDING_DAYS) {
    const message = `token ${name} ends in ${sayDuration(expiresAt - now)}: then nobody is pushed any more`;
    const cure = `rollcall scim token rotate ${connectionId} ${name}, and give the new one to the identity provider.`;
    findings.push(wrong('warning', CHECK, { code: 'doctor.scim_token_ending', message, cure }));
  }
  if (lastUsedAt === null && now - createdAt > UNUSED_MS) {
    const message = `token ${name} has never been used since it was made ${sayDuration(now - createdAt)} ago`;
    const cure = `Give it to the identity provider, and test the connection there; or rollcall scim token revoke ${connectionId} ${name}.`;
    findings.push(wrong('warning', CHECK, { code: 'doctor.scim_token_unused', message, cure }));
  }
  return findings;
}

function sayTokens(tokens: readonly ScimToken[], now: EpochMs): string {
  const said = tokens.map(({ name, lastUsedAt, lastUsedFrom }) =>
    lastUsedAt === null
      ? `${name} not used yet`
      : `${name} last used ${sayWhen(lastUsedAt, now)} from ${lastUsedFrom ?? 'somewhere'}`,
  );
  return said.length === 0 ? 'tokens that were rotated out are still good' : said.join(', ');
}
