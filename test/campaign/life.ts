import { signIn } from './door.ts';
import type { Random } from './random.ts';
import type { Simulation } from './simulation.ts';
import type { Theme } from './theme.ts';
import { SECOND } from './virtual-time.ts';
import { become, type Company, factOf, hire, type Person, standingAt } from './world.ts';

/** What happens to people, and how often. */
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
  waves: {
    join: 2,
    leave: 14,
    leave_many: 18,
    admins_leave: 8,
    disable: 20,
    unassign: 6,
    return: 10,
    regroup: 6,
    regroup_many: 0,
    sign_in: 20,
    sign_in_of_leaver: 8,
  },
  silence: {
    join: 4,
    leave: 14,
    leave_many: 2,
    admins_leave: 2,
    disable: 4,
    unassign: 2,
    return: 8,
    regroup: 6,
    regroup_many: 0,
    sign_in: 46,
    sign_in_of_leaver: 8,
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
export async function live(
  simulation: Simulation,
  company: Company,
  random: Random,
  theme: Theme,
): Promise<void> {
  const { time } = simulation;
  time.pass(random.int(1, 90) * SECOND);
  const person = random.pick([...company.people.values()]);
  const standing = standingAt(person, time.now);
  const what = random.weighted(theme in LIFE ? LIFE[theme as keyof typeof LIFE] : LIFE.everything);
  simulation.count(`life ${what}`);
  switch (what) {
    case 'join': {
      const newcomer = hire(company, random, time.now);
      simulation.tell(`${newcomer.id} joins`);
      if (newcomer.signsIn && !company.outage) await signIn(simulation, company, newcomer);
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
      if (standing === 'present' && person.signsIn && !company.outage)
        await signIn(simulation, company, person);
      return;
    case 'sign_in_of_leaver':
      return letLeaverSignIn(simulation, company, random);
    default:
      return what satisfies never;
  }
}

/** In every company people are disabled, as many as one sweep may take without being held. */
export function disableSome(simulation: Simulation, company: Company, random: Random): void {
  const { now } = simulation.time;
  const there = [...company.people.values()].filter(
    (one) => standingAt(one, now) === 'present' && !factOf(one, now).groups.includes('admins'),
  );
  const most = Math.max(3, Math.floor(there.length / 6));
  const some = random.shuffled(there).slice(0, random.int(3, most));
  for (const one of some) set(simulation, one, 'disabled');
}

/** The identity provider goes on vouching for an old session, mostly of who left last. */
export async function letLeaverSignIn(
  simulation: Simulation,
  company: Company,
  random: Random,
): Promise<void> {
  const { now } = simulation.time;
  const away = [...company.people.values()].filter(
    (one) => one.signsIn && !company.outage && standingAt(one, now) !== 'present',
  );
  const [last] = away.toSorted((a, b) => leftAt(b) - leftAt(a));
  if (last === undefined) return;
  await signIn(simulation, company, random.percent(60) ? last : random.pick(away));
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
