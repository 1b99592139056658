import {
  type ConnectionId,
  type DirectoryId,
  toConnectionId,
  toDirectoryId,
} from '@rollcall/shared/core/ids';
import type { Random } from './random.ts';

/** How somebody truly stands with an identity provider. */
export type TrueStanding = 'present' | 'disabled' | 'unassigned' | 'gone';

/** One person as the identity provider has them, from one moment on. */
export interface Fact {
  readonly at: number;
  readonly standing: TrueStanding;
  readonly groups: readonly string[];
}

/** Somebody who works for a company, or did. */
export interface Person {
  readonly id: DirectoryId;
  /** All that was ever true of them, oldest first. */
  readonly facts: Fact[];
  /** Whether they use the apps: others are only listed. */
  readonly signsIn: boolean;
  /** Sign-ins bring no directory id: nobody can be asked about them. */
  readonly nameless: boolean;
  readonly owner: 'roll' | 'scim' | 'manual';
  readonly protected: boolean;
}

export type RolesMode = 'authoritative' | 'additive' | 'first_login';

/** A company with an identity provider: the truth, which the product only hears of. */
export interface Company {
  readonly id: ConnectionId;
  readonly people: Map<string, Person>;
  mode: 'observe' | 'approve' | 'auto';
  readonly rolesMode: RolesMode;
  readonly percents: {
    absencePerRun: number;
    absencePerDay: number;
    disabledPerDay: number;
    roleChangesPerRun: number;
  };
  /** Rises when somebody changes the configuration. */
  configuration: number;
  /** What decides who is listed; another one after a change of the app's scope. */
  scope: number;
  readonly pageSize: number;
  readonly announcesTotal: boolean;
  readonly tellsGroups: boolean;
  /** Asked over HTTP by the real SCIM adapter. */
  readonly scim: boolean;
  /** How often, and how far apart, somebody has to be missing where nobody can be asked for one person; null: they can. */
  readonly misses: { readonly needed: number; readonly apartMs: number } | null;
}

export const GROUPS = ['analysts', 'editors', 'admins'] as const;
/** The role that each group gives. */
export const ROLE_OF: Readonly<Record<string, string>> = {
  analysts: 'analyst',
  editors: 'editor',
  admins: 'admin',
};
export const PRIVILEGED = 'admin';
export const CONFIRM_AFTER = 5 * 60_000;

export interface World {
  readonly companies: readonly Company[];
}

/** Makes the companies of a run, and the people who are there at its beginning. */
export function makeWorld(random: Random, now: number, exodus: boolean): World {
  const count = exodus ? 1 : Number(random.weighted({ '1': 72, '2': 20, '3': 8 }));
  return {
    companies: Array.from({ length: count }, (_, index) => makeCompany(random, index, now, exodus)),
  };
}

function makeCompany(random: Random, index: number, now: number, exodus: boolean): Company {
  const generous = random.percent(25);
  const company: Company = {
    id: toConnectionId(`company${index}`),
    people: new Map(),
    mode: exodus ? 'auto' : random.weighted({ auto: 74, approve: 20, observe: 6 }),
    rolesMode: random.weighted({ authoritative: 80, additive: 13, first_login: 7 }),
    percents: {
      absencePerRun: generous ? random.pick([10, 30]) : 2,
      absencePerDay: generous ? 30 : 5,
      disabledPerDay: generous ? 30 : 10,
      roleChangesPerRun: generous ? 20 : 2,
    },
    configuration: 1,
    scope: 1,
    pageSize: random.int(2, 9),
    announcesTotal: random.percent(50),
    tellsGroups: !random.percent(12),
    ...howAsked(random),
  };
  const size = random.weighted(
    exodus ? { small: 0, middle: 75, large: 25 } : { small: 66, middle: 27, large: 7 },
  );
  const people = {
    small: random.int(5, 11),
    middle: random.int(12, 26),
    large: random.int(27, 60),
  }[size];
  for (let number = 0; number < people; number++) hire(company, random, now);
  return company;
}

/** One of ten is asked over SCIM; of others, one of seven answers for nobody alone. */
function howAsked(random: Random): Pick<Company, 'scim' | 'misses'> {
  if (random.percent(10)) return { scim: true, misses: null };
  if (!random.percent(14)) return { scim: false, misses: null };
  const apartMs = random.pick([60, 600]) * 60_000;
  return { scim: false, misses: { needed: random.int(2, 4), apartMs } };
}

/** Somebody joins the company. */
export function hire(company: Company, random: Random, now: number): Person {
  const number = company.people.size;
  const owner = number < 3 ? 'roll' : random.weighted({ roll: 90, scim: 6, manual: 4 });
  const id = `${company.id.slice(-1)}-${'abcdefghijklmnopqrstuvwxyz'[random.int(0, 25)]}${String(number).padStart(3, '0')}`;
  const person: Person = {
    id: toDirectoryId(id),
    facts: [{ at: now, standing: 'present', groups: someGroups(random, number) }],
    signsIn: number < 4 || !random.percent(15),
    nameless: number >= 3 && random.percent(3),
    owner,
    protected: random.percent(5),
  };
  company.people.set(person.id, person);
  return person;
}

function someGroups(random: Random, number: number): readonly string[] {
  const groups = ['analysts'];
  if (random.percent(35)) groups.push('editors');
  if (number < 3 || random.percent(10)) groups.push('admins');
  return groups;
}

/** Something becomes true of somebody. */
export function become(person: Person, now: number, change: Partial<Omit<Fact, 'at'>>): void {
  const last = factOf(person, now);
  person.facts.push({ ...last, ...change, at: now });
}

/** What is true of somebody at a moment; the first of their facts where it is before all of them. */
export function factOf(person: Person, now: number): Fact {
  const fact = person.facts.findLast(({ at }) => at <= now) ?? person.facts[0];
  if (fact === undefined) throw new RangeError('a person without facts');
  return fact;
}

/** How somebody stands at a moment; whoever has not been hired by then is gone. */
export function standingAt(person: Person, now: number): TrueStanding {
  return person.facts.findLast(({ at }) => at <= now)?.standing ?? 'gone';
}
