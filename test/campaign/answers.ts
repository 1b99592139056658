import type { Directory, DirectoryAnswer, DirectoryPage } from '@rollcall/sweeper/directories/port';
import type { Fault } from './faults.ts';
import type { Process } from './gate.ts';
import { type Company, factOf, standingAt, type TrueStanding } from './world.ts';

/** One row of a listing, or the answer to one look-up, beside the truth of that moment. */
export interface Said {
  /** Rises with everything that happens in a run. */
  readonly order: number;
  readonly id: string;
  readonly standing: string;
  readonly groups: readonly string[] | null;
  readonly truth: TrueStanding;
  readonly trueGroups: readonly string[];
  /** By our clock. */
  readonly at: number;
}

/** All that a directory told one sweep. */
export class Hearing {
  readonly name: string;
  readonly company: string;
  readonly faults: readonly Fault[];
  readonly rows: Said[] = [];
  readonly lookUps: Said[] = [];
  readonly fingerprints: string[] = [];
  readonly totals: (number | null)[] = [];
  /** Whether the last page that came was called the last. */
  ended = false;
  begunOrder = 0;
  /** The true time at which it began. */
  begunTruly = 0;
  /** The same by our clock. */
  begunAt = 0;

  constructor(name: string, company: string, faults: readonly Fault[]) {
    this.name = name;
    this.company = company;
    this.faults = faults;
  }
}

/** What a hearing needs to know of its run. */
export interface Listener {
  readonly company: Company;
  readonly process: Process;
  /** The next number in the order of everything that happens. */
  order(): number;
  /** The true time. */
  now(): number;
  /** Our clocks. */
  ours(): number;
}

/** The directory itself, which writes down what it says, and passes the gate of its process. */
export function overheard(directory: Directory, hearing: Hearing, listener: Listener): Directory {
  const { company, process } = listener;
  const note = (id: string, standing: string, groups: readonly string[] | null): Said => {
    const person = company.people.get(id);
    const now = listener.now();
    const truth = person === undefined ? 'gone' : standingAt(person, now);
    const trueGroups = person === undefined ? [] : factOf(person, now).groups;
    return {
      order: listener.order(),
      id,
      standing,
      groups,
      truth,
      trueGroups,
      at: listener.ours(),
    };
  };
  return {
    ...directory,
    type: directory.type,
    capabilities: directory.capabilities,
    async fingerprint(signal) {
      if (hearing.begunOrder === 0) {
        hearing.begunOrder = listener.order();
        hearing.begunTruly = listener.now();
        hearing.begunAt = listener.ours();
      }
      const answer = await process.call(() => directory.fingerprint(signal));
      hearing.fingerprints.push(answer);
      return answer;
    },
    async *list(signal): AsyncGenerator<DirectoryPage> {
      const pages = directory.list(signal)[Symbol.asyncIterator]();
      for (;;) {
        const page = await process.call(() => pages.next());
        if (page.done === true) return;
        for (const { id, standing, groups } of page.value.members) {
          hearing.rows.push(note(id, standing, groups));
        }
        hearing.totals.push(page.value.announcedTotal);
        hearing.ended = page.value.next === null;
        yield page.value;
      }
    },
    async lookUp(id, signal): Promise<DirectoryAnswer> {
      const answer = await process.call(() => directory.lookUp(id, signal));
      hearing.lookUps.push(note(id, answer.standing, answer.groups));
      return answer;
    },
  };
}

/** Whether what was said is what was true. */
export function isTrue(said: Said): boolean {
  return said.standing === said.truth || (said.standing === 'absent' && said.truth === 'gone');
}
