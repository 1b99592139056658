import { isLive } from '@rollcall/jit-auth/scim/tokens/token-book';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { ScimToken } from '@rollcall/shared/db/scim-tokens';
import type { Colors } from '../terminal.ts';
import { type Cell, renderTable } from './table.ts';
import { sayWhen, toIso } from './when.ts';

const HEAD = [
  'CONNECTION',
  'NAME',
  'STANDING',
  'CREATED',
  'EXPIRES',
  'LAST USED',
  'FROM',
  'NETWORKS',
  'CERTIFICATE',
];

/** For people. */
export function renderTokens(tokens: readonly ScimToken[], now: EpochMs, colors: Colors): string {
  if (tokens.length === 0) return 'No tokens: `rollcall scim token create` makes one.';
  const dim = (text: string): Cell => ({ text, paint: colors.dim });
  return renderTable([
    HEAD.map(dim),
    ...tokens.map((token) => {
      const standing = standingOf(token, now);
      return [
        token.connectionId,
        token.name,
        standing === 'current' ? standing : { text: standing, paint: colors.dim },
        sayWhen(token.createdAt, now),
        token.expiresAt === null ? 'never' : sayWhen(token.expiresAt, now),
        token.lastUsedAt === null ? '-' : sayWhen(token.lastUsedAt, now),
        token.lastUsedFrom ?? '-',
        token.networks.length === 0 ? 'any' : token.networks.join(' '),
        sayCertificate(token),
      ];
    }),
  ]);
}

/** For programs. */
export function tokenToJson(token: ScimToken, now: EpochMs): Record<string, unknown> {
  return {
    id: token.id,
    connection: token.connectionId,
    name: token.name,
    standing: standingOf(token, now),
    created_at: toIso(token.createdAt),
    created_by: token.createdBy,
    expires_at: toIso(token.expiresAt),
    rotated_at: toIso(token.rotatedAt),
    revoked_at: toIso(token.revokedAt),
    revoked_by: token.revokedBy,
    last_used_at: toIso(token.lastUsedAt),
    last_used_from: token.lastUsedFrom,
    networks: token.networks,
    ...certificateToJson(token),
  };
}

function standingOf(token: ScimToken, now: EpochMs): string {
  if (token.revokedAt !== null) return 'revoked';
  if (!isLive(token, now)) return 'expired';
  return token.rotatedAt === null ? 'current' : 'rotated out';
}

type Bound = Pick<ScimToken, 'certificateSha256' | 'certificateSubject'>;

function sayCertificate({ certificateSha256, certificateSubject }: Bound): string {
  const said = [certificateSubject, certificateSha256?.slice(0, 12)].flatMap((part) => part ?? []);
  return said.length === 0 ? '-' : said.join(' ');
}

/** With which certificate a token may be used, for programs. */
export function certificateToJson(bound: Partial<Bound>): Record<string, unknown> {
  return {
    certificate_sha256: bound.certificateSha256 ?? null,
    certificate_subject: bound.certificateSubject ?? null,
  };
}
