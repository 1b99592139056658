import { administer, handOver, join, purge, speakOverScim } from './administrators.ts';
import { noteDaysUntilNow, signIn } from './door.ts';
import { drawFault, type Fault } from './faults.ts';
import type { Trouble } from './gate.ts';
import { disableSome, letLeaverSignIn, live } from './life.ts';
import { type OperatorWish, operate } from './operators.ts';
import type { Random } from './random.ts';
import type { Simulation } from './simulation.ts';
import { deliverJobs, sweep, tend } from './sweeping.ts';
import type { Theme } from './theme.ts';
import { DAY, HOUR, MINUTE, SECOND } from './virtual-time.ts';
import { become, type Company, type Person, standingAt } from './world.ts';

export async function administratorStep(
  simulation: Simulation,
  company: Company,
  random: Random,
): Promise<void> {
  simulation.time.pass(20 * SECOND);
  const person = random.pick([...company.people.values()]);
  const kind = random.pick([
    'deactivate',
    'deactivate',
    'restore',
    'protect',
    'unprotect',
    'end_sessions_of_user',
  ] as const);
  await administer(simulation, company, person, kind);
}

export async function operatorStep(
  simulation: Simulation,
  company: Company,
  random: Random,
): Promise<void> {
  const wish = random.weighted<OperatorWish>({
    approve: 20,
    approve_stale: 10,
    apply: 34,
    reject: 9,
    undo: 30,
    accept_listing: 14,
  });
  if (simulation.crashed(company)) await simulation.expireLease(company);
  const killed = random.percent(22) && (wish === 'undo' || wish === 'apply');
  const troubles: Trouble[] = killed
    ? [{ at: random.int(1, 40), when: random.pick(['before', 'after'] as const), kind: 'kill' }]
    : [];
  await operate(simulation, { company, wish, random }, troubles);
  if (wish === 'approve' && random.percent(60))
    await operate(simulation, { company, wish: 'apply', random });
}

export async function sweepStep(
  simulation: Simulation,
  company: Company,
  random: Random,
  theme: Theme,
): Promise<void> {
  if (simulation.crashed(company) && random.percent(80)) await simulation.expireLease(company);
  const faults: Fault[] = [];
  const quiet = theme === 'exodus' || theme === 'everywhere';
  if (random.percent(quiet ? 6 : 55)) faults.push(drawFault(random));
  if (random.percent(quiet ? 3 : 12)) faults.push(drawFault(random));
  const troubles: Trouble[] = [];
  const when = random.pick(['before', 'after'] as const);
  if (random.percent(theme === 'deaths' ? 60 : 10)) {
    troubles.push({ at: random.int(1, 230), when, kind: 'kill' });
  }
  if (random.percent(theme === 'deaths' ? 15 : 3)) {
    troubles.push({ at: random.int(1, 200), when: 'before', kind: 'sever' });
  }
  const pauses = random.weighted(
    theme === 'doors' ? { '0': 0, '1': 50, '2': 50 } : { '0': 66, '1': 24, '2': 10 },
  );
  for (let left = Number(pauses); left > 0; left--) {
    const meanwhile = (): Promise<void> => interrupt(simulation, company, random, theme);
    troubles.push({ ...momentOf(theme, random), when: 'before', kind: 'pause', meanwhile });
  }
  const planOnly = random.percent(quiet ? 0 : 6);
  await sweep(simulation, company, { faults, troubles, planOnly, trigger: 'schedule' });
}

/** When a worker is interrupted: at doors, while it lists, or applies. */
function momentOf(theme: Theme, random: Random): Pick<Trouble, 'at' | 'since'> {
  if (theme !== 'doors') return { at: random.int(3, 170) };
  const since = random.pick(['listing', 'sealed'] as const);
  return { at: since === 'listing' ? random.int(1, 13) : random.int(1, 40), since };
}

/** What others do while a worker is between two of its steps. */
async function interrupt(
  simulation: Simulation,
  company: Company,
  random: Random,
  theme: Theme,
): Promise<void> {
  const [life, leaver] = theme === 'doors' ? [60, 110] : [40, 6];
  const others = { admin: 14, operator: 12, second_worker: 12, takeover: 22 };
  const what = random.weighted({ life, leaver, ...others });
  simulation.count(`meanwhile ${what}`);
  switch (what) {
    case 'life':
      return live(simulation, company, random, theme);
    case 'leaver':
      return letLeaverSignIn(simulation, company, random);
    case 'admin':
      return administratorStep(simulation, company, random);
    case 'operator':
      await operate(simulation, {
        company,
        wish: random.pick(['approve', 'apply', 'undo', 'reject', 'accept_listing'] as const),
        random,
      });
      return;
    case 'second_worker':
      return sweep(simulation, company);
    case 'takeover':
      // The worker sleeps so long that its lease runs out, and wakes up again.
      await simulation.expireLease(company);
      return sweep(simulation, company, {
        faults: random.percent(30) ? [drawFault(random)] : [],
      });
    default:
      return what satisfies never;
  }
}

/** People get another owner, SCIM speaks, records are joined, who left long ago is purged. */
export async function ownerStep(
  simulation: Simulation,
  company: Company,
  random: Random,
): Promise<void> {
  simulation.time.pass(30 * SECOND);
  const people = [...company.people.values()];
  const person = random.pick(people);
  const what = random.weighted({ hand_over: 28, scim: 32, join: 12, separate: 6, purge: 22 });
  switch (what) {
    case 'hand_over':
      return handOver(simulation, company, person, person.owner === 'scim' ? 'jit' : 'scim');
    case 'scim': {
      const own = people.filter(({ owner }) => owner === 'scim');
      if (own.length === 0) return handOver(simulation, company, person, 'scim');
      const told = random.pick(own);
      if (random.percent(60)) turn(simulation, told);
      return speakOverScim(simulation, company, told);
    }
    case 'join':
    case 'separate': {
      const other = random.pick(simulation.world.companies);
      const somebody = random.pick([...other.people.values()]);
      return join(simulation, { company, person }, { company: other, person: somebody }, what);
    }
    case 'purge': {
      if (random.percent(60)) await administer(simulation, company, person, 'deactivate');
      if (random.percent(80)) simulation.time.pass(2 * HOUR);
      const kill = random.percent(25);
      const at = random.int(4, 24);
      await purge(simulation, company, kill ? [{ at, when: 'before', kind: 'kill' }] : []);
      // The identity provider knows nothing of it.
      if (person.signsIn && random.percent(70)) await signIn(simulation, company, person);
      return;
    }
    default:
      return what satisfies never;
  }
}

/** Whoever is there leaves, whoever left comes back. */
function turn(simulation: Simulation, person: Person): void {
  const { now } = simulation.time;
  const standing = standingAt(person, now) === 'present' ? 'disabled' : 'present';
  become(person, now, { standing });
  simulation.tell(`${person.id} is ${standing}`);
}

/** Minutes pass while a plan may be held: its people are contained, and some come back. */
export async function wavesStep(
  simulation: Simulation,
  company: Company,
  random: Random,
): Promise<void> {
  for (let minutes = random.int(2, 4); minutes > 0; minutes--) {
    simulation.time.pass(random.pick([20 * SECOND, 61 * SECOND, 61 * SECOND, HOUR]));
    if (random.percent(30)) await live(simulation, company, random, 'waves');
    if (random.percent(60)) {
      await deliverJobs(simulation);
      continue;
    }
    if (simulation.crashed(company) && random.percent(70)) await simulation.expireLease(company);
    await tend(simulation, company, { troubles: troublesOfTending(simulation, company, random) });
  }
}

function troublesOfTending(
  simulation: Simulation,
  company: Company,
  random: Random,
): readonly Trouble[] {
  const at = random.int(3, 45);
  const when = random.pick(['before', 'after'] as const);
  const kind = random.weighted({ kill: 22, pause: 30, sever: 4, none: 44 });
  if (kind === 'none') return [];
  if (kind !== 'pause') return [{ at, when: kind === 'kill' ? when : 'before', kind }];
  const meanwhile = () => interrupt(simulation, company, random, 'waves');
  return [{ at, when: 'before', kind, meanwhile }];
}

/** Everywhere people leave within the hour, and every company is swept. */
export async function rushStep(simulation: Simulation, random: Random): Promise<void> {
  for (const company of simulation.world.companies) {
    disableSome(simulation, company, random);
    simulation.time.pass(5 * MINUTE);
    await sweepStep(simulation, company, random, 'everywhere');
  }
}

/** Days pass on which some sign in, or nobody can. */
export async function silenceStep(
  simulation: Simulation,
  company: Company,
  random: Random,
): Promise<void> {
  await noteDaysUntilNow(simulation, company);
  if (random.percent(45)) {
    company.outage = !company.outage;
    simulation.count(company.outage ? 'fault sign-in breaks' : 'act sign-in mended');
    simulation.tell(`${company.id}: sign-in ${company.outage ? 'breaks' : 'works again'}`);
  }
  simulation.time.pass(random.int(1, 2) * DAY);
  const people = [...company.people.values()];
  const come = people.filter(
    (one) =>
      one.signsIn && standingAt(one, simulation.time.now) === 'present' && random.percent(60),
  );
  if (!company.outage) for (const one of come) await signIn(simulation, company, one);
}
