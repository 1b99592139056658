import type { DirectoryMember } from '@rollcall/shared/core/evidence';
import { toDirectoryId } from '@rollcall/shared/core/ids';
import { DirectoryError } from '@rollcall/sweeper/directories/directory-error';
import type { Directory, DirectoryAnswer } from '@rollcall/sweeper/directories/port';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VirtualTime } from '../simulators/virtual-time.ts';
import type { RowShape } from './directories/script-harness.ts';
import type { Scripted, ScriptedAnswer, ScriptedRequest } from './directories/scripted-server.ts';

/** A directory with at least two pages of people, one of them disabled. */
export interface DirectoryHarness {
  readonly directory: Directory;
  /** Everybody who must be listed now, in any order. */
  expected(): readonly DirectoryMember[];
  /** Ids of people who exist, are not assigned to the application, and are not listed. */
  unlisted?(): readonly string[];
  /** Whether an id becomes a part of a URL's path; it does unless this says otherwise. */
  readonly asksByPath?: boolean;
  close(): Promise<void>;
}

/** A directory that can be made to fail at every place. Pages count from 1. */
export interface ScriptedHarness extends DirectoryHarness {
  /** Pages of a healthy listing; at least 3. */
  readonly pages: number;
  readonly timeoutMs: number;
  readonly time: VirtualTime;
  readonly shape: RowShape;
  /** Whether pages say where the next one is, so that they can be made to say something else. */
  readonly points: boolean;
  /** Everything that was asked. */
  readonly requests: readonly ScriptedRequest[];
  /** How this protocol says that there is no such person. */
  readonly lookUpAbsent: ScriptedAnswer;
  /** Other 404s: none of them says it. */
  readonly foreignAbsences: readonly ScriptedAnswer[];
  answerPage(page: number, answer: Scripted): void;
  answerPageOnce(page: number, answer: Scripted): void;
  /** Makes a page say that the next one is this one; null: that it is the last. */
  pointPage(page: number, to: number | null): void;
  /** Breaks the connection off in the middle of a page. */
  cutPage(page: number): void;
  changeRows(page: number, change: (rows: unknown[]) => unknown[]): void;
  /** From this page on, every position answers with the rows of the page before. */
  repeatPage(page: number): void;
  /** Something happens before a page is answered, once. */
  beforePage(page: number, action: () => void): void;
  answerLookUp(answer: Scripted): void;
  /** Answers every request for a path, whatever it is part of. */
  answerPath(path: string, answer: Scripted): void;
  changeLookUp(change: (body: object) => object): void;
  mend(): void;
  /** A person `id-NN` joins. */
  join(number: number, name: string): void;
  /** Whoever is `id-NN` in the script, whatever the vendor calls them. */
  leave(id: string): void;
  /** Stays in the directory, and is assigned to the app no longer. */
  unassign(id: string): void;
}

/** What a listing came to. */
export interface Listing {
  readonly members: readonly DirectoryMember[];
  readonly terminalPageSeen: boolean;
  readonly announcedTotal: number | null;
}

/** Reads a listing to its end. */
export async function readListing(directory: Directory): Promise<Listing> {
  const members: DirectoryMember[] = [];
  let terminalPageSeen = false;
  let announcedTotal: number | null = null;
  for await (const page of directory.list(AbortSignal.timeout(20_000))) {
    expect(terminalPageSeen, 'no page comes after the last one').toBe(false);
    members.push(...page.members);
    terminalPageSeen = page.next === null;
    announcedTotal = page.announcedTotal;
  }
  return { members, terminalPageSeen, announcedTotal };
}

/** Whether the proof of a listing adds up, so that absence from it would count. */
export function addsUp({ members, terminalPageSeen, announcedTotal }: Listing): boolean {
  const distinct = new Set(members.map(({ id }) => id)).size;
  const counted = announcedTotal === null || announcedTotal === members.length;
  return terminalPageSeen && distinct === members.length && counted;
}

/** Everybody as they must be listed, or an error, or a proof that does not add up. */
export async function expectNobodyMissed(harness: DirectoryHarness, what: string): Promise<void> {
  const listing = await readListing(harness.directory).catch((error: unknown) => {
    if (error instanceof DirectoryError) return null;
    throw error;
  });
  if (listing === null || !addsUp(listing)) return;
  expect(byId(listing.members), what).toEqual(byId(harness.expected()));
}

/** The error that a listing throws. Fails where it throws none, or another kind. */
export async function listingError(directory: Directory): Promise<DirectoryError> {
  const outcome = await readListing(directory).catch((error: unknown) => error);
  if (!(outcome instanceof DirectoryError)) {
    expect.fail(`expected a DirectoryError, received ${JSON.stringify(outcome)}`);
  }
  return outcome;
}

export function lookUp(directory: Directory, id: string): Promise<DirectoryAnswer> {
  return directory.lookUp(toDirectoryId(id), AbortSignal.timeout(20_000));
}

/** What every directory must do while nothing is wrong with it. */
export function describeDirectory(name: string, open: () => Promise<DirectoryHarness>): void {
  describe(`${name}, healthy`, () => {
    let harness: DirectoryHarness;
    beforeAll(async () => {
      harness = await open();
    });
    afterAll(() => harness.close());

    it('lists everybody once, over several pages, with a proof that adds up', async () => {
      const listing = await readListing(harness.directory);
      expect(byId(listing.members)).toEqual(byId(harness.expected()));
      expect(addsUp(listing)).toBe(true);
    });

    it('lists the same people again', async () => {
      const [first, second] = [
        await readListing(harness.directory),
        await readListing(harness.directory),
      ];
      expect(byId(second.members)).toEqual(byId(first.members));
    });

    it('has a fingerprint that stays the same', async () => {
      const signal = AbortSignal.timeout(20_000);
      const fingerprint = await harness.directory.fingerprint(signal);
      expect(fingerprint).toMatch(/^[0-9a-f]{64}$/);
      expect(await harness.directory.fingerprint(signal)).toBe(fingerprint);
    });

    it('answers look-ups as it lists', async () => {
      const people = harness.expected();
      expect(people.map(({ standing }) => standing)).toContain('disabled');
      if (!harness.directory.capabilities.lookUp) {
        const answers = await Promise.all(people.map(({ id }) => lookUp(harness.directory, id)));
        expect(new Set(answers.map(({ standing }) => standing))).toEqual(new Set(['unknown']));
        return;
      }
      for (const person of people) {
        const { standing, groups, label } = person;
        const answer = await lookUp(harness.directory, person.id);
        expect({ ...answer, groups: sorted(answer.groups) }).toEqual({
          standing,
          groups: sorted(groups),
          label,
          because: null,
        });
      }
    });

    it('tells whoever is not listed, and not assigned, from whoever is gone', async () => {
      for (const id of harness.unlisted?.() ?? []) {
        expect(await lookUp(harness.directory, id)).toMatchObject({
          standing: 'unassigned',
          because: null,
        });
      }
    });

    it('knows nobody by an id that it never gave', async () => {
      for (const id of ['00000000-0000-4000-8000-000000000000', 'a/b?c#d%2e', 'Ærøskøbing']) {
        const answer = await lookUp(harness.directory, id);
        // Who cannot be asked for one person must never say that there is no such person.
        if (!harness.directory.capabilities.lookUp) expect(answer.standing).toBe('unknown');
        else {
          expect(answer).toEqual({ standing: 'absent', groups: null, label: null, because: null });
        }
      }
    });

    it('asks for nothing by an id that would step through the path', async () => {
      const honest = harness.asksByPath === false ? ['absent', 'unknown'] : ['unknown'];
      for (const id of ['.', '..']) {
        expect(honest).toContain((await lookUp(harness.directory, id)).standing);
      }
    });

    it('stops when it is interrupted', async () => {
      const reason = new Error('the lease is lost');
      const signal = AbortSignal.abort(reason);
      await expect(harness.directory.list(signal)[Symbol.asyncIterator]().next()).rejects.toBe(
        reason,
      );
      await expect(harness.directory.fingerprint(signal)).rejects.toBe(reason);
      const [someone] = harness.expected();
      const answer = await harness.directory.lookUp(someone!.id, signal);
      expect(answer.standing).toBe('unknown');
    });
  });
}

function byId(members: readonly DirectoryMember[]): readonly DirectoryMember[] {
  return members
    .map((member) => ({ ...member, groups: sorted(member.groups) }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

function sorted(groups: readonly string[] | null): readonly string[] | null {
  return groups === null ? null : [...groups].sort();
}
