import type { GrantRow, UserRow } from './oracle/mirror.ts';
import { hasAccess } from './oracle/mirror.ts';
import { Random } from './random.ts';
import type { Simulation } from './simulation.ts';
import { MINUTE } from './virtual-time.ts';
import { type Company, factOf, hire, PRIVILEGED, ROLE_OF, standingAt } from './world.ts';

/** Two healthy sweeps see everything; a size that shrank has to be accepted before one counts. */
const HEALTHY = 2;
const MOST = 9;

/**
 * The end of every run: nothing is wrong any more, a person looks at what waits and
 * approves it, and two healthy sweeps pass. Then everybody has what they ought to have.
 */
export async function endHealthily(seed: string, simulation: Simulation): Promise<void> {
  const random = new Random(`${seed} end`);
  simulation.time.heal();
  simulation.queue.heal();
  simulation.tell('from here on nothing goes wrong');
  for (const company of simulation.world.companies) {
    ensureSomebodyIsThere(company, simulation, random);
    let healthy = 0;
    const { misses } = company;
    const wanted = misses === null ? HEALTHY : misses.needed + 1;
    for (let sweeps = 0; healthy < wanted && sweeps < MOST; sweeps++) {
      simulation.time.pass(misses?.apartMs ?? 6 * MINUTE);
      if (misses !== null) await showThatSignInWorks(company, simulation);
      if (sweeps === 0) await simulation.expireLease(company);
      const before = simulation.counts.get('sweep listing.shrunk') ?? 0;
      await simulation.sweep(company);
      if ((simulation.counts.get('sweep listing.shrunk') ?? 0) > before) {
        await simulation.operate(company, 'accept_listing', random);
        continue;
      }
      healthy += 1;
      if (company.mode === 'observe') continue;
      simulation.time.pass(MINUTE);
      await simulation.operate(company, 'approve', random);
      await simulation.operate(company, 'approve', random);
      await simulation.operate(company, 'apply', random);
    }
    if (healthy < HEALTHY)
      simulation.oracle.blame('alive', `${company.id} could not be swept any more`);
    if (company.mode !== 'observe') judgeEnd(company, simulation);
  }
}

/** Nobody is asked for a fresh sign-in while nobody has got in lately. */
async function showThatSignInWorks(company: Company, simulation: Simulation): Promise<void> {
  const { now } = simulation.time;
  const people = [...company.people.values()];
  const somebody = people.find((one) => one.signsIn && standingAt(one, now) === 'present');
  if (somebody !== undefined) await simulation.signIn(company, somebody);
}

/**
 * A listing that calls nobody present has no canary, and proves nobody's absence: whoever
 * is the last has to be told by an administrator. So the company hires.
 */
function ensureSomebodyIsThere(company: Company, simulation: Simulation, random: Random): void {
  const { now } = simulation.time;
  if ([...company.people.values()].some((person) => standingAt(person, now) === 'present')) return;
  const newcomer = hire(company, random, now);
  simulation.tell(`${newcomer.id} joins ${company.id}, where nobody was left`);
  simulation.count('life nobody was left');
}

/** Whether everybody of a company ended as the truth has them. */
function judgeEnd(company: Company, simulation: Simulation): void {
  const { mirror } = simulation.oracle;
  const admins = mirror.holders(PRIVILEGED);
  for (const user of mirror.users.values()) {
    if (user.connection_id !== company.id || user.owner !== 'roll') continue;
    const person = company.people.get(user.subject);
    if (person === undefined || user.directory_id === null) continue;
    const guarded = user.protected || user.protected_by_admin || person.protected;
    const lastAdmin = admins.includes(user.id) && admins.length <= 2;
    const truth = standingAt(person, simulation.time.now);
    simulation.count(
      truth === 'present' ? 'checked person at the end' : 'checked leaver at the end',
    );
    if (truth !== 'present') {
      if (!hasAccess(user) || guarded || lastAdmin) continue;
      simulation.oracle.blame(
        'no_leaver_left',
        `${user.subject} is ${truth}, and still ${user.state}`,
      );
      continue;
    }
    if (user.cause === 'sweep') {
      simulation.oracle.blame(
        'same_end',
        `${user.subject} is present, and still shut out by a sweep`,
      );
    } else if (hasAccess(user) && user.state !== 'active') {
      simulation.oracle.blame('same_end', `${user.subject} is present, and still ${user.state}`);
    }
    if (hasAccess(user) && !guarded) judgeRoles(company, simulation, user, lastAdmin);
  }
}

/** Whether somebody ended with the roles that their groups give. */
function judgeRoles(
  company: Company,
  simulation: Simulation,
  user: UserRow,
  lastAdmin: boolean,
): void {
  const person = company.people.get(user.subject);
  if (person === undefined || !company.tellsGroups || company.rolesMode === 'first_login') return;
  const grants: readonly GrantRow[] = simulation.oracle.mirror.accessOf(user.id).grants;
  const held = grants.filter(({ channel }) => channel === 'roll').map(({ role }) => role);
  const due = factOf(person, simulation.time.now).groups.flatMap((group) => ROLE_OF[group] ?? []);
  const missing = due.filter((role) => role !== PRIVILEGED && !held.includes(role));
  const spare =
    company.rolesMode === 'authoritative' ? held.filter((role) => !due.includes(role)) : [];
  const wrong = [...missing, ...spare.filter((role) => role !== PRIVILEGED || !lastAdmin)];
  if (wrong.length === 0) return;
  simulation.oracle.blame(
    'same_end',
    `${user.subject} holds ${held.join(', ')} instead of ${due.join(', ')}`,
  );
}
