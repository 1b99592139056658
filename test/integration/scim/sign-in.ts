import { randomUUID } from 'node:crypto';
import { apply } from '@rollcall/shared/access/apply';
import type { AccessOutcome, Provisioning, SignIn } from '@rollcall/shared/access/change';
import {
  toConnectionId,
  toDirectoryId,
  toSessionId,
  toSubject,
  toUserId,
} from '@rollcall/shared/core/ids';
import { mapRoles } from '@rollcall/shared/core/roles';
import { after } from '@rollcall/shared/core/time';
import { type Database, inTransaction } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';

const ACME = toConnectionId('acme');
const NONE = mapRoles(
  { connection: 'acme', groups: [], aliases: new Map(), attributes: new Map() },
  [],
  null,
);
const known = (...roles: string[]) => ({ ...NONE, roles }) as SignIn['mapping'];

/** What an assertion of the connection acme does that names somebody so. */
export function signIn(
  db: Database,
  subject: string,
  {
    provisioning = 'both',
    roles = [] as string[],
    directoryId = subject,
  }: { provisioning?: Provisioning; roles?: string[]; directoryId?: string } = {},
): Promise<AccessOutcome> {
  const now = currentTime();
  const change: SignIn = {
    kind: 'sign_in',
    newUserId: toUserId(randomUUID()),
    connectionId: ACME,
    subject: toSubject(subject),
    directoryId: toDirectoryId(directoryId),
    protected: false,
    profile: { email: 'asserted@acme.example', givenName: 'Asserted', familyName: 'Name' },
    groups: [],
    attributes: new Map(),
    mapping: known(...roles),
    mode: 'authoritative',
    privilegedRoles: new Set(['admin']),
    issuedAt: now,
    authenticatedAt: now,
    vouching: 'directory',
    begunAt: now,
    provisioning,
    clockSkewMs: 0,
    session: {
      id: toSessionId(randomUUID()),
      nameId: { value: subject, format: null, nameQualifier: null, spNameQualifier: null },
      sessionIndex: null,
      expiresAt: after(now, 3_600_000),
    },
    reference: 'TEST',
  };
  const actor = { kind: 'assertion' as const, connection: 'acme', assertionId: randomUUID() };
  return inTransaction(db, (tx) => apply(tx, change, actor, now));
}
