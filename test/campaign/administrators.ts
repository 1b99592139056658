import { handOverUser } from '@rollcall/jit-auth/scim/hand-over';
import { apply } from '@rollcall/shared/access/apply';
import type { AccessChange } from '@rollcall/shared/access/change';
import { applyToPerson } from '@rollcall/shared/access/person-state';
import { retireUsers } from '@rollcall/shared/access/retire';
import type { Actor } from '@rollcall/shared/core/actor';
import type { UserId } from '@rollcall/shared/core/ids';
import { after } from '@rollcall/shared/core/time';
import { inTransaction } from '@rollcall/shared/db/database';
import { findUser } from '@rollcall/shared/db/users';
import { applyPurge } from '@rollcall/shared/purge/apply-purge';
import { makePurgePlan } from '@rollcall/shared/purge/purge-plan';
import type { Process, Trouble } from './gate.ts';
import type { Simulation } from './simulation.ts';
import { HOUR } from './virtual-time.ts';
import { type Company, type Person, PRIVILEGED, standingAt } from './world.ts';

const ADA: Actor = { kind: 'operator', name: 'ada' };

/** An administrator does something to somebody. */
export async function administer(
  simulation: Simulation,
  company: Company,
  person: Person,
  kind: 'deactivate' | 'restore' | 'protect' | 'unprotect' | 'end_sessions_of_user',
): Promise<void> {
  const userId = simulation.userOf(company, person.id) as UserId | null;
  if (userId === null) return;
  const operator = simulation.process('operator', 'admin');
  const outcomes = await inTransaction(operator.db, (tx) => {
    const change = { userId, reason: 'by_admin', evidence: {} };
    const privilegedRoles = new Set([PRIVILEGED]);
    const more = { expectedVersion: null, observedAt: null, privilegedRoles };
    return applyToPerson(tx, { kind, ...change, ...more }, ADA, simulation.time.ours());
  });
  const told = outcomes
    .map(({ outcome }) => ('code' in outcome ? outcome.code : outcome.kind))
    .join();
  simulation.tell(`  an administrator: ${kind} ${person.id}: ${told}`);
  simulation.count(`act ${kind} by an administrator`);
  await simulation.flush(operator);
}

/** Hands somebody over to SCIM, as the command does. */
export async function giveToScim(
  simulation: Simulation,
  company: Company,
  person: Person,
): Promise<void> {
  await handOver(simulation, company, person, 'scim');
}

/** Hands somebody over to SCIM, or back to sign-ins and sweeps. */
export async function handOver(
  simulation: Simulation,
  company: Company,
  person: Person,
  to: 'scim' | 'jit',
): Promise<void> {
  const userId = simulation.userOf(company, person.id) as UserId | null;
  if (userId === null) return;
  const operator = simulation.process('operator', 'admin');
  const done = await inTransaction(operator.db, async (tx) => {
    const user = await findUser(tx, userId);
    if (user === null) return 'no_such_user';
    return handOverUser(tx, user, { to, because: 'campaign' }, ADA, simulation.time.ours());
  });
  if (done === 'handed_over') person.owner = to === 'scim' ? 'scim' : 'roll';
  simulation.tell(`  an administrator hands ${person.id} over to ${to}: ${done}`);
  simulation.count(`act handed over to ${to}: ${done}`);
  await simulation.flush(operator);
}

/** The client over SCIM says of somebody whom it owns how they truly stand. */
export async function speakOverScim(
  simulation: Simulation,
  company: Company,
  person: Person,
): Promise<void> {
  const userId = simulation.userOf(company, person.id) as UserId | null;
  if (userId === null) return;
  const client = simulation.process('scim', 'scim');
  const active = standingAt(person, simulation.time.now) === 'present';
  const change: AccessChange = {
    kind: active ? 'restore' : 'deactivate',
    userId,
    privilegedRoles: new Set([PRIVILEGED]),
    expectedVersion: null,
    observedAt: null,
    reason: active ? 'scim_active' : 'scim_inactive',
    evidence: {},
  };
  const actor: Actor = { kind: 'scim', connection: company.id, token: 'campaign' };
  const outcome = await inTransaction(client.db, (tx) =>
    apply(tx, change, actor, simulation.time.ours()),
  );
  const told = 'code' in outcome ? outcome.code : outcome.kind;
  simulation.tell(`  SCIM calls ${person.id} ${active ? 'active' : 'inactive'}: ${told}`);
  simulation.count(`act SCIM ${change.reason}: ${told}`);
  await simulation.flush(client);
}

/** An administrator says that two records are of one person, or are not. */
export async function join(
  simulation: Simulation,
  one: { readonly company: Company; readonly person: Person },
  other: { readonly company: Company; readonly person: Person },
  kind: 'join' | 'separate',
): Promise<void> {
  const userId = simulation.userOf(one.company, one.person.id) as UserId | null;
  const withUserId = simulation.userOf(other.company, other.person.id) as UserId | null;
  if (userId === null || withUserId === null) return;
  const operator = simulation.process('operator', 'admin');
  const change: AccessChange =
    kind === 'join' ? { kind, userId, withUserId, evidence: {} } : { kind, userId, evidence: {} };
  const outcome = await inTransaction(operator.db, (tx) =>
    apply(tx, change, ADA, simulation.time.ours()),
  );
  const told = 'code' in outcome ? outcome.code : outcome.kind;
  simulation.tell(`  an administrator: ${kind} ${one.person.id} and ${other.person.id}: ${told}`);
  simulation.count(`act ${kind}: ${told}`);
  await simulation.flush(operator);
}

/** Who has been out for an hour is retired, and purged by a plan; perhaps it is broken off. */
export async function purge(
  simulation: Simulation,
  company: Company,
  troubles: readonly Trouble[],
): Promise<void> {
  const operator = simulation.process('operator', 'admin', troubles);
  const done = await purgeBy(simulation, company, operator).catch((error: unknown) =>
    simulation.expect(error, 'purge', operator),
  );
  simulation.tell(`  an administrator purges who left ${company.id}: ${done}`);
  simulation.count(`act purge: ${done.replace(/\d+/, 'some')}`);
  await simulation.flush(operator);
}

async function purgeBy(simulation: Simulation, company: Company, { db }: Process): Promise<string> {
  const clock = () => simulation.time.ours();
  const retirement = { endedBy: after(clock(), -HOUR), limit: 500 };
  await inTransaction(db, (tx) => retireUsers(tx, retirement, { kind: 'retention' }, clock()));
  const plan = await makePurgePlan(db, { connectionId: company.id }, 'ada', clock());
  if (plan === null) return 'nobody';
  const { purged } = await applyPurge(db, { plan, by: 'ada', reason: 'asked for' }, clock);
  return `${purged} purged`;
}
