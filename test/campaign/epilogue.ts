import { signIn } from './door.ts';
import { operate } from './operators.ts';
import type { GrantRow, UserRow } from './oracle/mirror.ts';
import { hasAccess } from './oracle/mirror.ts';
import { Random } from './random.ts';
import type { Simulation } from './simulation.ts';
import { sweep, tend } from './sweeping.ts';
import { DAY, MINUTE } from './virtual-time.ts';
import {
  type Company,
  factOf,
  hire,
  type Person,
  PRIVILEGED,
  ROLE_OF,
  standingAt,
} from './world.ts';

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
    company.outage = false;
    ensureSomebodyIsThere(company, simulation, random);
    await endOf(company, simulation, random);
    if (company.mode !== 'observe') judgeEnd(company, simulation);
  }
}

async function endOf(company: Company, simulation: Simulation, random: Random): Promise<void> {
  const { misses, silence } = company;
  let healthy = 0;
  const wanted = wantedOf(company);
  const pauseMs = silence?.alone === true ? DAY : (misses?.apartMs ?? 6 * MINUTE);
  for (let sweeps = 0; healthy < wanted && sweeps < MOST; sweeps++) {
    simulation.time.pass(pauseMs);
    if (silence !== null) await letEverybodySignIn(company, simulation);
    else if (misses !== null) await showThatSignInWorks(company, simulation);
    if (sweeps === 0) await simulation.expireLease(company);
    const before = simulation.counts.get('sweep listing.shrunk') ?? 0;
    await sweep(simulation, company);
    if ((simulation.counts.get('sweep listing.shrunk') ?? 0) > before) {
      await operate(simulation, { company, wish: 'accept_listing', random });
      continue;
    }
    healthy += 1;
    if (company.mode === 'observe') continue;
    simulation.time.pass(MINUTE);
    await operate(simulation, { company, wish: 'approve', random });
    await operate(simulation, { company, wish: 'approve', random });
    await operate(simulation, { company, wish: 'apply', random });
  }
  if (healthy < HEALTHY) {
    simulation.oracle.blame('alive', `${company.id} could not be swept any more`);
  }
  // Whom a held plan had contained is released when it ends.
  simulation.time.pass(MINUTE);
  await tend(simulation, company);
}

/** So many sweeps see everything: where nobody can be asked, it takes as many as somebody must be missing. */
function wantedOf({ misses, silence }: Company): number {
  if (silence?.alone === true) return silence.deactivateDays + 2;
  return misses === null ? HEALTHY : misses.needed + 1;
}

/** Whoever is there comes, so that silence means something. */
async function letEverybodySignIn(company: Company, simulation: Simulation): Promise<void> {
  for (const person of company.people.values()) {
    if (!person.signsIn || standingAt(person, simulation.time.now) !== 'present') continue;
    await signIn(simulation, company, person);
  }
}

/** Nobody is asked for a fresh sign-in while nobody has got in lately. */
async function showThatSignInWorks(company: Company, simulation: Simulation): Promise<void> {
  const { now } = simulation.time;
  const people = [...company.people.values()];
  const somebody = people.find((one) => one.signsIn && standingAt(one, now) === 'present');
  if (somebody !== undefined) await signIn(simulation, company, somebody);
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
  const admins = mirror.recordsHolding(PRIVILEGED).map(({ id }) => id);
  const few = mirror.holders(PRIVILEGED).length <= 2;
  for (const user of mirror.users.values()) {
    if (user.connection_id !== company.id || user.owner !== 'roll') continue;
    const person = company.people.get(user.subject);
    if (person === undefined || user.directory_id === null) continue;
    const guarded = user.protected || user.protected_by_admin || person.protected;
    const lastAdmin = admins.includes(user.id) && few;
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
    if (user.cause === 'sweep' && !mayStaySilent(company, user, person, simulation)) {
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

/** Whom silence has ended, and whose groups give nothing, no sign-in brings back. */
function mayStaySilent(
  company: Company,
  user: UserRow,
  person: Person,
  simulation: Simulation,
): boolean {
  if (user.state_reason !== 'silent' && company.silence?.alone !== true) return false;
  return (
    company.rolesMode === 'first_login' || factOf(person, simulation.time.now).groups.length === 0
  );
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
