import { drawFault, type Fault } from './faults.ts';
import type { Trouble } from './gate.ts';
import { Random } from './random.ts';
import type { OperatorWish, Simulation } from './simulation.ts';
import { type Theme, themeOf } from './theme.ts';
import { DAY, HOUR, MINUTE, SECOND } from './virtual-time.ts';
import { become, type Company, factOf, hire, type Person, standingAt } from './world.ts';

/** One step of a run. Draws from numbers of its own, so that another one may be left out. */
export interface Step {
  readonly kind: StepKind;
  readonly seed: string;
  readonly theme: Theme;
}

type StepKind = 'life' | 'sweep' | 'operator' | 'admin' | 'clock' | 'configure' | 'wait';

const EVERYTHING: Readonly<Record<StepKind, number>> = {
  life: 20,
  sweep: 46,
  operator: 16,
  admin: 7,
  clock: 4,
  configure: 3,
  wait: 4,
};
const WEIGHTS: Readonly<Record<Theme, Readonly<Record<StepKind, number>>>> = {
  everything: EVERYTHING,
  exodus: { life: 40, sweep: 55, operator: 2, admin: 1, clock: 1, configure: 0, wait: 1 },
  doors: { ...EVERYTHING, sweep: 60, life: 30, operator: 5 },
  deaths: { ...EVERYTHING, sweep: 60, life: 24 },
  operators: { ...EVERYTHING, operator: 34 },
};

/** The steps of a seed, between the first sweep and the healthy end. */
export function scheduleOf(seed: string): readonly Step[] {
  const random = new Random(`${seed} schedule`);
  const theme = themeOf(seed);
  const count = random.int(5, theme === 'exodus' ? 15 : 12);
  return Array.from({ length: count }, (_, index) => ({
    kind: random.weighted(WEIGHTS[theme]),
    seed: `${seed} step ${index}`,
    theme,
  }));
}

/** Takes one step. */
export async function take(step: Step, simulation: Simulation): Promise<void> {
  const random = new Random(step.seed);
  const company = random.pick(simulation.world.companies);
  await simulation.deliverJobs();
  switch (step.kind) {
    case 'life':
      for (let times = random.int(1, 3); times > 0; times--) {
        await live(simulation, company, random, step.theme);
      }
      return;
    case 'sweep':
      simulation.time.pass(
        random.pick([30 * SECOND, 6 * MINUTE, 6 * MINUTE, 15 * MINUTE, 15 * MINUTE]),
      );
      return sweep(simulation, company, random, step.theme);
    case 'operator':
      simulation.time.pass(MINUTE);
      return operate(simulation, company, random);
    case 'admin':
      return administer(simulation, company, random);
    case 'clock': {
      const jump = random.pick([
        -2 * HOUR,
        -10 * MINUTE,
        -5 * SECOND,
        10 * MINUTE,
        2 * HOUR,
        25 * HOUR,
      ]);
      simulation.time.skew += jump;
      simulation.count('fault clock jumps');
      simulation.tell(`our clocks jump by ${jump / SECOND} s`);
      return;
    }
    case 'configure': {
      const what = random.weighted({ configuration: 50, scope: 30, mode: 20 });
      if (what === 'configuration') company.configuration += 1;
      else if (what === 'scope') company.scope += 1;
      else if (company.mode !== 'observe') company.mode = random.pick(['auto', 'approve'] as const);
      simulation.count(`act ${what} changed`);
      simulation.tell(`the ${what} of ${company.id} changes`);
      return;
    }
    case 'wait': {
      const ms = random.pick([HOUR, 8 * HOUR, DAY + HOUR, 3 * DAY]);
      simulation.time.pass(ms);
      simulation.tell(`${ms / HOUR} hours pass`);
      return;
    }
    default:
      return step.kind satisfies never;
  }
}

const LIFE = {
  everything: {
    join: 10,
    leave: 26,
    leave_many: 5,
    admins_leave: 6,
    disable: 12,
    unassign: 8,
    return: 14,
    regroup: 16,
    regroup_many: 3,
    sign_in: 16,
    sign_in_of_leaver: 7,
  },
  exodus: {
    join: 2,
    leave: 40,
    leave_many: 0,
    admins_leave: 3,
    disable: 20,
    unassign: 8,
    return: 8,
    regroup: 20,
    regroup_many: 0,
    sign_in: 1,
    sign_in_of_leaver: 1,
  },
  doors: {
    join: 4,
    leave: 22,
    leave_many: 2,
    admins_leave: 3,
    disable: 22,
    unassign: 6,
    return: 6,
    regroup: 12,
    regroup_many: 0,
    sign_in: 14,
    sign_in_of_leaver: 26,
  },
};

/** Something happens in a company, or to somebody's wish to sign in. */
async function live(
  simulation: Simulation,
  company: Company,
  random: Random,
  theme: Theme,
): Promise<void> {
  const { time } = simulation;
  time.pass(random.int(1, 90) * SECOND);
  const person = random.pick([...company.people.values()]);
  const standing = standingAt(person, time.now);
  const what = random.weighted(
    theme === 'exodus' || theme === 'doors' ? LIFE[theme] : LIFE.everything,
  );
  simulation.count(`life ${what}`);
  switch (what) {
    case 'join': {
      const newcomer = hire(company, random, time.now);
      simulation.tell(`${newcomer.id} joins`);
      if (newcomer.signsIn) await simulation.signIn(company, newcomer);
      return;
    }
    case 'leave':
      return set(simulation, person, 'gone');
    case 'leave_many': {
      const many = random
        .shuffled([...company.people.values()])
        .slice(0, random.int(3, Math.max(3, company.people.size >> 1)));
      for (const one of many) set(simulation, one, random.pick(['gone', 'disabled'] as const));
      return;
    }
    case 'admins_leave': {
      const admins = [...company.people.values()].filter((one) =>
        factOf(one, time.now).groups.includes('admins'),
      );
      for (const one of admins.slice(0, random.int(1, admins.length))) {
        set(simulation, one, random.pick(['gone', 'disabled'] as const));
      }
      return;
    }
    case 'disable':
      return set(simulation, person, 'disabled');
    case 'unassign':
      return set(simulation, person, 'unassigned');
    case 'return': {
      const away = [...company.people.values()].filter(
        (one) => standingAt(one, time.now) !== 'present',
      );
      if (away.length > 0) set(simulation, random.pick(away), 'present');
      return;
    }
    case 'regroup':
      return regroup(simulation, person, random);
    case 'regroup_many':
      for (const one of random.shuffled([...company.people.values()]).slice(0, 6))
        regroup(simulation, one, random);
      return;
    case 'sign_in':
      if (standing === 'present' && person.signsIn) await simulation.signIn(company, person);
      return;
    case 'sign_in_of_leaver': {
      // The identity provider goes on vouching for an old session.
      const away = [...company.people.values()].filter(
        (one) => one.signsIn && standingAt(one, time.now) !== 'present',
      );
      const latest = away.toSorted((a, b) => leftAt(b) - leftAt(a));
      const last = latest[0];
      if (last === undefined) return;
      await simulation.signIn(company, random.percent(60) ? last : random.pick(away));

      return;
    }
    default:
      return what satisfies never;
  }
}

/** When something last became true of somebody. */
function leftAt(person: Person): number {
  return person.facts.at(-1)?.at ?? 0;
}

function set(
  simulation: Simulation,
  person: Person,
  standing: 'present' | 'disabled' | 'unassigned' | 'gone',
): void {
  become(person, simulation.time.now, { standing });
  simulation.tell(`${person.id} is ${standing}`);
}

function regroup(simulation: Simulation, person: Person, random: Random): void {
  const groups = random.pick([
    ['analysts'],
    ['analysts', 'editors'],
    ['editors'],
    ['analysts', 'admins'],
    [],
  ]);
  become(person, simulation.time.now, { groups });
  simulation.tell(`${person.id} is in ${groups.join(', ') || 'no group'}`);
}

async function administer(simulation: Simulation, company: Company, random: Random): Promise<void> {
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
  await simulation.administer(company, person, kind);
}

async function operate(simulation: Simulation, company: Company, random: Random): Promise<void> {
  const wish = random.weighted<OperatorWish>({
    approve: 20,
    approve_stale: 10,
    apply: 34,
    undo: 30,
    accept_listing: 14,
  });
  if (simulation.crashed(company)) await simulation.expireLease(company);
  const killed = random.percent(22) && (wish === 'undo' || wish === 'apply');
  const troubles: Trouble[] = killed
    ? [{ at: random.int(1, 40), when: random.pick(['before', 'after'] as const), kind: 'kill' }]
    : [];
  await simulation.operate(company, wish, random, troubles);
  if (wish === 'approve' && random.percent(60)) await simulation.operate(company, 'apply', random);
}

async function sweep(
  simulation: Simulation,
  company: Company,
  random: Random,
  theme: Theme,
): Promise<void> {
  if (simulation.crashed(company) && random.percent(80)) await simulation.expireLease(company);
  const faults: Fault[] = [];
  if (random.percent(theme === 'exodus' ? 6 : 55)) faults.push(drawFault(random));
  if (random.percent(12)) faults.push(drawFault(random));
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
    troubles.push({
      at: theme === 'doors' ? random.int(24, 130) : random.int(3, 170),
      when: 'before',
      kind: 'pause',
      meanwhile,
    });
  }
  const planOnly = random.percent(theme === 'exodus' ? 0 : 6);
  await simulation.sweep(company, { faults, troubles, planOnly, trigger: 'schedule' });
}

/** What others do while a worker is between two of its steps. */
async function interrupt(
  simulation: Simulation,
  company: Company,
  random: Random,
  theme: Theme,
): Promise<void> {
  const life = theme === 'doors' ? 160 : 40;
  const what = random.weighted({ life, admin: 14, operator: 12, second_worker: 12, takeover: 22 });
  simulation.count(`meanwhile ${what}`);
  switch (what) {
    case 'life':
      return live(simulation, company, random, theme);
    case 'admin':
      return administer(simulation, company, random);
    case 'operator':
      await simulation.operate(
        company,
        random.pick(['approve', 'apply', 'undo', 'accept_listing'] as const),
        random,
      );
      return;
    case 'second_worker':
      return simulation.sweep(company, {});
    case 'takeover':
      // The worker sleeps so long that its lease runs out, and wakes up again.
      await simulation.expireLease(company);
      return simulation.sweep(company, {
        faults: random.percent(30) ? [drawFault(random)] : [],
      });
    default:
      return what satisfies never;
  }
}
