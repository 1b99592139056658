import type { Config } from '../config/types.ts';
import { previewSignIn, type RolePreview } from '../core/role-preview.ts';
import type { GroupAlias, GroupsUnknown, RoleMapping } from '../core/roles.ts';
import type { EpochMs } from '../core/time.ts';
import { type Grant, rolesOf, type User } from '../core/user.ts';
import type { Database } from '../db/database.ts';
import { recordsOfPerson } from '../db/persons.ts';
import { selectLiveSessions } from '../db/session-list.ts';
import { grantsOf } from '../db/users.ts';
import { type AuditLine, groupsUnknownSince, lastEvents, lifecycleOf } from './audit-lines.ts';
import { type BesideState, besideState } from './beside-state.ts';
import { mapUser, rulesFor } from './rules-for-user.ts';

/** Another record of the same person, and what it gives. */
export interface JoinedRecord {
  readonly user: User;
  readonly roles: readonly string[];
}

/** Why a user has, or lacks, what they have. */
export interface Explanation {
  readonly user: User;
  readonly grants: readonly Grant[];
  /** What the rules give today for the groups that were last seen. */
  readonly mapping: RoleMapping;
  /** What the next sign-in would make of the roles, if it asserted the same again. */
  readonly next: RolePreview;
  /** Why the last sign-in changed no role: it brought no groups; null where it brought some. */
  readonly groupsUnknown: GroupsUnknown | null;
  /** The configuration's names of groups that the user is in. */
  readonly aliases: readonly GroupAlias[];
  /** The configuration still has the user's connection. */
  readonly connectionConfigured: boolean;
  readonly liveSessions: number;
  /** Whether a held plan concerns the user, and what was told of a silence. */
  readonly beside: BesideState;
  /** Records that an administrator has joined with this one. */
  readonly joined: readonly JoinedRecord[];
  /** How access was taken and given back, with who and why, newest first. */
  readonly lifecycle: readonly AuditLine[];
  /** The last lines of the audit trail, newest first. */
  readonly events: readonly AuditLine[];
}

/** Collects everything that explains one user. Changes nothing. */
export async function explainUser(
  db: Database,
  config: Config,
  user: User,
  now: EpochMs,
): Promise<Explanation> {
  const [grants, liveSessions, joined, lifecycle, events, groupsUnknown, beside] =
    await Promise.all([
      grantsOf(db, user.id),
      countLiveSessions(db, user, config.session.idleMs, now),
      joinedWith(db, user),
      lifecycleOf(db, user.id),
      lastEvents(db, user.id),
      groupsUnknownSince(db, user.id),
      besideState(db, user, now),
    ]);
  const rules = rulesFor(config, user.connectionId);
  const { roles, defaultRole } = config;
  const mapping = mapUser(user, rules ?? { rules: roles, defaultRole, aliases: new Map() });
  const mode = user.protected && rules?.mode === 'authoritative' ? 'additive' : rules?.mode;
  const next =
    mode === undefined
      ? { roles: [], gain: [], lose: rolesOf(grants) }
      : previewSignIn(grants, user.connectionId, mapping, mode);
  const aliases = (user.groups ?? []).flatMap((group) => {
    const alias = rules?.aliases.get(group);
    return alias === undefined ? [] : [{ group, alias }];
  });
  const connectionConfigured = rules !== null;
  const seen = { beside, groupsUnknown, aliases, liveSessions, joined, lifecycle, events };
  return { user, grants, mapping, next, connectionConfigured, ...seen };
}

async function joinedWith(db: Database, user: User): Promise<readonly JoinedRecord[]> {
  const records = await recordsOfPerson(db, user);
  return Promise.all(
    records
      .filter((record) => record.id !== user.id)
      .map(async (record) => ({ user: record, roles: rolesOf(await grantsOf(db, record.id)) })),
  );
}

/** How many sessions would be let in now. */
export async function countLiveSessions(
  db: Database,
  user: User,
  idleMs: number,
  now: EpochMs,
): Promise<number> {
  const row = await selectLiveSessions(db, idleMs, now)
    .clearSelect()
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('users.id', '=', user.id)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}
