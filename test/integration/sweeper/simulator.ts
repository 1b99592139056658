import { setTimeout as sleep } from 'node:timers/promises';
import type { DirectoryMember } from '@rollcall/shared/core/evidence';
import { toDirectoryId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import { DirectoryError } from '@rollcall/sweeper/directories/directory-error';
import type {
  Directory,
  DirectoryAnswer,
  DirectoryFault,
  DirectoryPage,
} from '@rollcall/sweeper/directories/port';

/** What the simulator does wrong. Each can be switched on and off between sweeps. */
export interface Faults {
  /** The listing fails after so many pages. */
  failAfterPages?: { pages: number; fault: DirectoryFault };
  /** The listing names nobody, and says that this is all. */
  empty?: boolean;
  /** The listing stops half-way, and says that this is all. */
  half?: boolean;
  /** These are left out of the listing, though a look-up finds them. */
  hidden?: string[];
  /** The page after the first is sent twice. */
  repeatPage?: boolean;
  /** The last page promises another one that never comes. */
  noLastPage?: boolean;
  /** The total that it announces, whatever it lists. */
  announced?: number;
  /** The scope changes while the listing runs. */
  otherScopeAfter?: boolean;
  /** Look-ups get no answer. */
  lookUpsUnknown?: boolean;
  /** Look-ups find nobody at all: the canary neither. */
  lookUpsBlind?: boolean;
}

/**
 * A directory in this process that does what it is told: a stand-in for a server whose
 * every fault a test wants to choose. It implements the port that the real ones do.
 */
export class SimulatedDirectory implements Directory {
  readonly type = 'simulated';
  readonly capabilities = { lookUp: true, groups: true };
  /** The date that the listing has of itself; undefined: it speaks of now. */
  asOf: EpochMs | undefined;
  readonly people = new Map<string, Omit<DirectoryMember, 'id'>>();
  faults: Faults = {};
  scope = 'scope-1';
  pageSize = 3;
  /** Called before each page, so that a test can do something meanwhile. */
  onPage: (page: number) => Promise<void> | void = () => undefined;
  /** Called before each look-up. */
  onLookUp: (id: string) => Promise<void> | void = () => undefined;
  readonly lookedUp: string[] = [];
  listings = 0;
  pageDelayMs = 0;

  employ(id: string, groups: string[] | null = ['analysts']): void {
    this.people.set(id, { standing: 'present', groups, label: id });
  }

  set(id: string, change: Partial<Omit<DirectoryMember, 'id'>>): void {
    const person = this.people.get(id);
    if (person === undefined) throw new Error(`${id} does not work here`);
    this.people.set(id, { ...person, ...change });
  }

  dismiss(...ids: string[]): void {
    for (const id of ids) this.people.delete(id);
  }

  async fingerprint(signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    return this.scope;
  }

  async *list(signal: AbortSignal): AsyncGenerator<DirectoryPage> {
    this.listings += 1;
    const members = this.listed();
    const pages: DirectoryMember[][] = [];
    for (let first = 0; first < members.length; first += this.pageSize) {
      pages.push(members.slice(first, first + this.pageSize));
    }
    if (pages.length === 0) pages.push([]);
    if (this.faults.repeatPage && pages[1] !== undefined) pages.splice(1, 0, pages[1]);
    const announcedTotal = this.faults.announced ?? null;
    for (const [index, page] of pages.entries()) {
      await this.onPage(index);
      if (this.pageDelayMs > 0) await sleep(this.pageDelayMs);
      signal.throwIfAborted();
      const failure = this.faults.failAfterPages;
      if (failure !== undefined && index >= failure.pages) {
        throw new DirectoryError(
          failure.fault,
          `expected page ${index}, received ${failure.fault}`,
        );
      }
      const last = index === pages.length - 1 && !this.faults.noLastPage;
      const { asOf } = this;
      const dated = asOf === undefined ? {} : { asOf };
      yield { members: page, next: last ? null : String(index + 1), announcedTotal, ...dated };
    }
    if (this.faults.otherScopeAfter) this.scope = `${this.scope}+`;
  }

  async lookUp(id: string): Promise<DirectoryAnswer> {
    await this.onLookUp(id);
    this.lookedUp.push(id);
    if (this.faults.lookUpsUnknown) {
      return { standing: 'unknown', groups: null, label: null, because: 'no answer' };
    }
    const person = this.faults.lookUpsBlind ? undefined : this.people.get(id);
    if (person === undefined) {
      return { standing: 'absent', groups: null, label: null, because: null };
    }
    return { ...person, because: null };
  }

  private listed(): DirectoryMember[] {
    const all = [...this.people]
      .filter(([id]) => !this.faults.hidden?.includes(id))
      .map(([id, person]) => ({ id: toDirectoryId(id), ...person }));
    if (this.faults.empty) return [];
    return this.faults.half ? all.slice(0, Math.floor(all.length / 2)) : all;
  }
}
