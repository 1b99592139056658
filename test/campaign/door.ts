import { apply } from '@rollcall/shared/access/apply';
import type { Actor } from '@rollcall/shared/core/actor';
import { toEpochMs } from '@rollcall/shared/core/time';
import { noteDays } from '@rollcall/shared/db/connection-days';
import { addSignIns } from '@rollcall/shared/db/connection-sign-ins';
import { registerConnection } from '@rollcall/shared/db/connections';
import { inTransaction } from '@rollcall/shared/db/database';
import { giveToScim } from './administrators.ts';
import type { Process } from './gate.ts';
import { signInOf } from './sign-in-act.ts';
import type { Simulation } from './simulation.ts';
import { DAY, SECOND } from './virtual-time.ts';
import { type Company, type Person, standingAt } from './world.ts';

/** The connections, and everybody's first sign-in. */
export async function begin(simulation: Simulation): Promise<void> {
  for (const company of simulation.world.companies) {
    const door = simulation.process('door', 'door');
    const url = `https://${company.id}.example`;
    await registerConnection(door.db, company.id, url, simulation.time.ours());
    const first = [...company.people.values()].filter((person) => person.signsIn);
    await admit(simulation, company, first, door);
    await simulation.flush(door);
    for (const person of first)
      if (person.owner !== 'roll') await giveTo(simulation, company, person);
    const how = [
      `mode ${company.mode}, roles ${company.rolesMode}`,
      ...(company.scim ? ['over SCIM'] : []),
      ...(company.misses === null ? [] : ['no look-ups']),
      ...(company.silence === null ? [] : [`silence of ${company.silence.deactivateDays} days`]),
    ];
    simulation.tell(`${company.id}: ${company.people.size} people, ${how.join(', ')}`);
  }
}

/** Lets somebody sign in: whom the identity provider vouches for, or whose old session it still believes. */
export async function signIn(
  simulation: Simulation,
  company: Company,
  person: Person,
): Promise<void> {
  const door = simulation.process('door', 'door');
  const truth = standingAt(person, simulation.time.now);
  const known = simulation.userOf(company, person.id) !== null;
  await admit(simulation, company, [person], door);
  simulation.count(truth === 'present' ? 'act sign-in' : 'act sign-in of a leaver');
  await simulation.flush(door);
  if (!known && person.owner !== 'roll') await giveTo(simulation, company, person);
}

/**
 * Writes down the days on which sign-in by a company was possible, up to now, as every
 * instance that is ready does; of an outage, that people tried.
 */
export async function noteDaysUntilNow(simulation: Simulation, company: Company): Promise<void> {
  if (company.silence === null) return;
  const now = simulation.time.ours();
  const first = Math.max(company.notedUntil, now - 40 * DAY);
  const days: number[] = [];
  for (let at = first; at < now; at += DAY) days.push(at);
  days.push(now);
  company.notedUntil = Math.max(company.notedUntil, now);
  const refused = company.outage ? 3 : 0;
  const notes = days.map((at) => {
    return { connectionId: company.id, at: toEpochMs(at), accepted: false, refused };
  });
  for (const { at } of notes) company.days.note(at, { accepted: false, refused });
  const door = simulation.process('door', 'door');
  await noteDays(door.db, notes);
}

async function admit(
  simulation: Simulation,
  company: Company,
  people: readonly Person[],
  door: Process,
): Promise<void> {
  const { random, time } = simulation;
  await inTransaction(door.db, async (tx) => {
    for (const person of people) {
      const idpSkew = random.int(-30, 30) * SECOND;
      const when = { truly: time.now, ours: time.ours(), idpSkew };
      const change = signInOf(company, person, random, when);
      const assertionId = random.uuid();
      const actor: Actor = { kind: 'assertion', connection: company.id, assertionId };
      const outcome = await apply(tx, change, actor, when.ours);
      if ('user' in outcome && outcome.user !== null) {
        simulation.signIns.set(`${outcome.user.id} ${when.ours}`, simulation.nextOrder());
      }
      if (people.length === 1) {
        const told = 'code' in outcome ? outcome.code : outcome.kind;
        simulation.tell(`  ${person.id} signs in: ${told}`);
        simulation.count(`sign-in ${told}`);
      }
    }
  });
  const lastAt = time.ours();
  await addSignIns(door.db, [{ connectionId: company.id, lastAt, clockOffsetsMs: [0] }]);
  if (company.silence === null) return;
  const note = { connectionId: company.id, at: lastAt, accepted: true, refused: 0 };
  company.days.note(lastAt, note);
  await noteDays(door.db, [note]);
}

/** SCIM takes somebody over by the command for it; by hand, no command of today makes anybody. */
async function giveTo(simulation: Simulation, company: Company, person: Person): Promise<void> {
  if (person.owner === 'scim') return giveToScim(simulation, company, person);
  await simulation.harness.query(
    'update users set owner = $3 where connection_id = $1 and subject = $2',
    [company.id, person.id, person.owner],
  );
}
