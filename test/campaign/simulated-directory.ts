import type { DirectoryMember } from '@rollcall/shared/core/evidence';
import { type DirectoryId, toDirectoryId } from '@rollcall/shared/core/ids';
import { DirectoryError } from '@rollcall/sweeper/directories/directory-error';
import type {
  Directory,
  DirectoryAnswer,
  DirectoryCapabilities,
  DirectoryPage,
} from '@rollcall/sweeper/directories/port';
import type { Fault, FaultKind } from './faults.ts';
import { Random } from './random.ts';
import type { VirtualTime } from './virtual-time.ts';
import { type Company, factOf, type Person, standingAt } from './world.ts';

type FaultOf<K extends FaultKind> = Extract<Fault, { kind: K }>;

/** What somebody looks like through the faults of one sweep. */
interface Look {
  readonly standing: 'present' | 'disabled' | 'unassigned' | 'gone';
  readonly groups: readonly string[] | null;
}

/** The people of a company as one sweep gets to see them: the truth, and what is wrong with it. */
export class FaultyView {
  readonly #company: Company;
  readonly #time: VirtualTime;
  readonly #seed: string;
  readonly #drawn = new Map<string, number>();
  readonly #faults: readonly Fault[];
  readonly #shut = new Map<string, 'hidden' | 'disabled' | 'gone' | 'groupless'>();

  constructor(company: Company, faults: readonly Fault[], time: VirtualTime, seed: string) {
    const random = new Random(seed);
    this.#company = company;
    this.#faults = faults;
    this.#time = time;
    this.#seed = seed;
    const ids = [...company.people.keys()];
    const some = (share: number) => ids.filter(() => random.percent(share));
    for (const fault of faults) {
      if (fault.kind === 'partial_permission')
        for (const id of some(fault.share)) this.#shut.set(id, 'hidden');
      if (fault.kind === 'groups_empty')
        for (const id of some(fault.share)) this.#shut.set(id, 'groupless');
      const chosen = () => random.shuffled(ids).slice(0, 'count' in fault ? fault.count : 0);
      if (fault.kind === 'falsely_disabled')
        for (const id of chosen()) this.#shut.set(id, 'disabled');
      if (fault.kind === 'falsely_gone') for (const id of chosen()) this.#shut.set(id, 'gone');
    }
  }

  fault<K extends FaultKind>(kind: K): FaultOf<K> | undefined {
    return this.#faults.find((one): one is FaultOf<K> => one.kind === kind);
  }

  /** Everybody who is listed, in the order of their ids. */
  listed(): DirectoryMember[] {
    const tenant = this.fault('wrong_tenant');
    if (tenant !== undefined) return strangers(this.#company.people.size);
    if (this.fault('zero_rows') !== undefined) return [];
    const people = [...this.#company.people.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    return people.flatMap((person) => {
      const { standing, groups } = this.#look(person);
      if (standing === 'gone' || this.#shut.get(person.id) === 'hidden') return [];
      return [{ id: person.id, standing, groups, label: person.id }];
    });
  }

  /** The answer to a look-up, or that there is none. */
  answer(id: string, asked: number): Look | 'refused' {
    if (this.fault('wrong_tenant') !== undefined) {
      const known = id.startsWith('stranger-');
      return known ? { standing: 'present', groups: [] } : { standing: 'gone', groups: null };
    }
    const blind = this.fault('blind_look_ups');
    if (blind !== undefined && asked >= blind.after) return { standing: 'gone', groups: null };
    const deaf = this.fault('no_look_ups');
    if (deaf !== undefined && this.#happens(id, deaf.share)) return 'refused';
    const person = this.#company.people.get(id);
    if (person === undefined) return { standing: 'gone', groups: null };
    if (this.#shut.get(id) === 'hidden') {
      return this.fault('partial_permission')?.lookUps === 403
        ? 'refused'
        : { standing: 'gone', groups: null };
    }
    return this.#look(person);
  }

  /** Drawn for each person apart: over HTTP, answers come in any order. */
  #happens(id: string, share: number): boolean {
    const times = (this.#drawn.get(id) ?? 0) + 1;
    this.#drawn.set(id, times);
    return new Random(`${this.#seed} ${id} ${times}`).percent(share);
  }

  #look(person: Person): Look {
    const stale = this.fault('stale');
    const behind = stale !== undefined && this.#happens(person.id, stale.share) ? stale.lagMs : 0;
    const now = this.#time.now - behind;
    const standing = standingAt(person, now);
    const shut = this.#shut.get(person.id);
    if (standing === 'gone' || shut === 'gone') return { standing: 'gone', groups: null };
    const silent = this.fault('groups_missing') !== undefined || !this.#company.tellsGroups;
    const groups = shut === 'groupless' ? [] : factOf(person, now).groups;
    return {
      standing: shut === 'disabled' ? 'disabled' : standing,
      groups: silent ? null : groups,
    };
  }
}

function strangers(count: number): DirectoryMember[] {
  return Array.from({ length: Math.max(1, count) }, (_, number) => ({
    id: toDirectoryId(`stranger-${number}`),
    standing: 'present',
    groups: ['analysts', 'admins'],
    label: null,
  }));
}

/** A directory in this process, which implements the port that the real ones do. */
export class SimulatedDirectory implements Directory {
  readonly type = 'simulated';
  readonly capabilities: DirectoryCapabilities;
  readonly #company: Company;
  readonly #view: FaultyView;
  readonly #time: VirtualTime;
  #asked = 0;
  #moved = false;

  constructor(company: Company, view: FaultyView, time: VirtualTime) {
    this.#company = company;
    this.#view = view;
    this.#time = time;
    this.capabilities = { lookUp: company.misses === null, groups: true };
  }

  async fingerprint(signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const tenant = this.#view.fault('wrong_tenant');
    return `scope ${this.#company.scope}${this.#moved ? ' moved' : ''}${tenant?.told ? ' of another tenant' : ''}`;
  }

  async *list(signal: AbortSignal): AsyncGenerator<DirectoryPage> {
    const view = this.#view;
    const pages = this.#cut(view.listed());
    const announced = this.#announced(pages.flat().length);
    for (let index = 0; index < pages.length; index++) {
      this.#time.pass(view.fault('slow')?.msEach ?? 40);
      signal.throwIfAborted();
      this.#failAt(index);
      const cut = view.fault('truncated') ?? view.fault('no_last_page');
      const stops = cut !== undefined && index >= cut.page;
      const last = index === pages.length - 1 || stops;
      const next = last && cut?.kind !== 'no_last_page' ? null : String(index + 1);
      yield { members: pages[index] ?? [], next, announcedTotal: announced };
      if (stops) break;
    }
    if (view.fault('scope_moves') !== undefined) this.#moved = true;
  }

  async lookUp(id: DirectoryId): Promise<DirectoryAnswer> {
    this.#time.pass(20);
    const look = this.#view.answer(id, this.#asked++);
    if (look === 'refused') {
      return { standing: 'unknown', groups: null, label: null, because: 'simulated' };
    }
    const { standing, groups } = look;
    if (standing === 'gone')
      return { standing: 'absent', groups: null, label: null, because: null };
    return { standing, groups, label: id, because: null };
  }

  #cut(members: readonly DirectoryMember[]): DirectoryMember[][] {
    const { pageSize } = this.#company;
    const pages: DirectoryMember[][] = [];
    const shifted = this.#view.fault('shifted');
    let at = 0;
    while (at < members.length || pages.length === 0) {
      if (shifted !== undefined && pages.length === shifted.page + 1) {
        at += shifted.by === 'skip' ? 1 : -1;
      }
      pages.push(members.slice(at, at + pageSize));
      at += pageSize;
    }
    const twice = this.#view.fault('page_twice');
    const page = twice === undefined ? undefined : pages[twice.page];
    if (twice !== undefined && page !== undefined) {
      pages.splice(twice.page + 1, twice.instead ? 1 : 0, page);
    }
    return pages;
  }

  #announced(rows: number): number | null {
    const lie = this.#view.fault('total_lies');
    if (lie !== undefined) return rows + lie.by;
    return this.#company.announcesTotal ? rows : null;
  }

  #failAt(index: number): void {
    const error = this.#view.fault('error');
    if (error !== undefined && index >= error.page) {
      throw new DirectoryError(
        error.code,
        'simulated',
        error.code === 'rate_limited' ? { retryAfterMs: 60_000 } : {},
      );
    }
    const cursor = this.#view.fault('cursor_expires') ?? this.#view.fault('cursor_repeats');
    if (cursor !== undefined && index > cursor.page) {
      throw new DirectoryError('cursor_broken', 'simulated');
    }
  }
}
