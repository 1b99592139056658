import {
  type ConnectionId,
  type DirectoryId,
  toConnectionId,
  toDirectoryId,
} from '@rollcall/shared/core/ids';
import type { Random } from './random.ts';
import { SignInDays } from './sign-in-days.ts';
import type { Theme } from './theme.ts';

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
  /** Who answers for their life; an administrator may hand them over. */
  owner: 'roll' | 'scim' | 'manual';
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
  /** From when on silence ends access; null: never. */
  readonly silence: {
    readonly deactivateDays: number;
    readonly warnDays: readonly number[];
    /** There is nobody to ask. */
    readonly alone: boolean;
  } | null;
  /** Nobody can sign in, though they try. */
  outage: boolean;
  /** Until when, by our clock, it is written down whether sign-in was possible. */
  notedUntil: number;
  readonly days: SignInDays;
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
export function makeWorld(random: Random, now: number, theme: Theme): World {
  const exodus = theme === 'exodus';
  const count = exodus
    ? 1
    : Number(random.weighted(COMPANIES[theme === 'everywhere' ? theme : 'else']));
  return {
    companies: Array.from({ length: count }, (_, index) => makeCompany(random, index, now, theme)),
  };
}

const COMPANIES = {
  everywhere: { '1': 0, '2': 30, '3': 70 },
  else: { '1': 72, '2': 20, '3': 8 },
};

function makeCompany(random: Random, index: number, now: number, theme: Theme): Company {
  const exodus = theme === 'exodus';
  const generous = random.percent(theme === 'everywhere' ? 70 : 25);
  const company: Company = {
    id: toConnectionId(`company${index}`),
    people: new Map(),
    mode:
      exodus || theme === 'waves' || theme === 'everywhere'
        ? 'auto'
        : random.weighted({ auto: 74, approve: 20, observe: 6 }),
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
    ...howAsked(random, theme),
    outage: false,
    notedUntil: now,
    days: new SignInDays(),
  };
  const size = random.weighted(
    SIZES[theme === 'exodus' || theme === 'everywhere' ? theme : 'else'],
  );
  const people = {
    small: random.int(5, 11),
    middle: random.int(12, 26),
    large: random.int(27, 60),
  }[size];
  for (let number = 0; number < people; number++) hire(company, random, now);
  return company;
}

const SIZES = {
  exodus: { small: 0, middle: 75, large: 25 },
  everywhere: { small: 0, middle: 40, large: 60 },
  else: { small: 66, middle: 27, large: 7 },
};

/**
 * One of ten is asked over SCIM; of others, one of seven answers for nobody alone. Silence
 * may count beside, and is all there is where nobody may be asked.
 */
function howAsked(random: Random, theme: Theme): Pick<Company, 'scim' | 'misses' | 'silence'> {
  const silent = random.percent(theme === 'silence' ? 100 : 4);
  const days = random.int(3, 5);
  const alone = silent && random.percent(60);
  const silence = silent ? { deactivateDays: days, warnDays: [days - 2, days - 1], alone } : null;
  if (alone) return { scim: false, misses: null, silence };
  if (random.percent(10)) return { scim: true, misses: null, silence };
  if (!random.percent(14)) return { scim: false, misses: null, silence };
  const apartMs = random.pick([60, 600]) * 60_000;
  return { scim: false, misses: { needed: random.int(2, 4), apartMs }, silence };
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
