import type { Fault } from '@rollcall/demo-idp/faults';
import { type DemoIdp, startDemoIdp } from '@rollcall/demo-idp/main';
import { toDirectoryId } from '@rollcall/shared/core/ids';
import type { DirectoryFault } from '@rollcall/sweeper/directories/port';
import { scimDirectory } from '@rollcall/sweeper/directories/scim';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { VirtualTime } from '../../simulators/virtual-time.ts';
import {
  addsUp,
  type DirectoryHarness,
  describeDirectory,
  listingError,
  lookUp,
  readListing,
} from '../directory-contract.ts';

const ASSIGNMENT_GROUP = 'Analytics App';
const ADA = 'p_7f3a91c2';

async function open(): Promise<
  DirectoryHarness & { readonly idp: DemoIdp; readonly time: VirtualTime }
> {
  const time = new VirtualTime();
  const idp = await startDemoIdp({ serviceProviders: [], pageSize: 3 });
  const [disabled, unassigned] = idp.directory.listed().slice(-2);
  idp.directory.disable(disabled!.id);
  idp.directory.unassign(unassigned!.id);
  const directory = scimDirectory({
    url: idp.scimUrl,
    token: async () => idp.scimToken,
    assignmentGroup: ASSIGNMENT_GROUP,
    timeoutMs: 1_000,
    pageSize: 200,
    // It really answers nothing when it is told to: only the pauses are skipped.
    time: {
      now: () => time.now(),
      date: () => time.date(),
      wait: (durationMs, signal) => time.wait(durationMs, signal),
      limit: (durationMs) => AbortSignal.timeout(durationMs),
    },
  });
  return {
    idp,
    time,
    directory,
    expected: () => idp.directory.listed().map(toMember),
    close: idp.close,
  };
}

function toMember(person: ReturnType<DemoIdp['directory']['person']>) {
  const { id, disabled, assigned, groups, userName: label } = person;
  const standing = disabled ? 'disabled' : assigned ? 'present' : 'unassigned';
  return { id: toDirectoryId(id), standing, groups, label } as const;
}

describeDirectory('The SCIM directory of the demo IdP', open);

describe('The SCIM directory of the demo IdP, told to fail', () => {
  let harness: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    harness = await open();
  });
  afterEach(() => {
    harness.idp.directory.setFault(null);
    harness.time.sleepOverIt();
  });
  afterAll(() => harness.close());

  it.each<readonly [Fault, DirectoryFault]>([
    ['error_500', 'request_failed'],
    ['timeout', 'timed_out'],
    ['unauthorized_401', 'unauthorized'],
    ['forbidden_403', 'forbidden'],
    ['too_many_429', 'rate_limited'],
    ['malformed', 'malformed_answer'],
    ['short', 'cursor_broken'],
    ['duplicate_pages', 'cursor_broken'],
  ])('%s becomes %s', async (name, fault) => {
    harness.idp.directory.setFault(name);
    expect((await listingError(harness.directory)).fault).toBe(fault);
  });

  it('does not list anybody under an assignment group that is not there', async () => {
    const { scimUrl: url, scimToken } = harness.idp;
    const hidden = scimDirectory({
      url,
      token: async () => scimToken,
      assignmentGroup: 'No such group',
      timeoutMs: 1_000,
      pageSize: 2,
    });
    const { fault, message } = await listingError(hidden);
    expect(fault).toBe('malformed_answer');
    expect(message).toContain('No such group');
  });

  it('reports an empty listing and half a listing as the server has them', async () => {
    const { scimUrl: url, scimToken, directory } = harness.idp;
    const plain = scimDirectory({
      url,
      token: async () => scimToken,
      assignmentGroup: null,
      timeoutMs: 1_000,
      pageSize: 2,
    });
    directory.setFault('empty');
    const nobody = await readListing(plain);
    expect(nobody).toEqual({ members: [], terminalPageSeen: true, announcedTotal: 0 });
    directory.setFault('half');
    const half = await readListing(plain);
    expect(half.members).toHaveLength(4);
    // Nothing in a listing shows this lie: comparing with the last whole one does.
    expect(addsUp(half)).toBe(true);
  });

  it.each<Fault>(['error_500', 'timeout', 'unauthorized_401', 'forbidden_403', 'too_many_429'])(
    'answers look-ups with unknown under %s',
    async (fault) => {
      harness.idp.directory.setFault(fault);
      expect((await lookUp(harness.directory, ADA)).standing).toBe('unknown');
    },
  );

  it('follows a person through every state', async () => {
    const { directory } = harness.idp;
    const standing = async (): Promise<string> => (await lookUp(harness.directory, ADA)).standing;
    expect(await standing()).toBe('present');
    directory.unassign(ADA);
    expect(await standing()).toBe('unassigned');
    directory.disable(ADA);
    expect(await standing()).toBe('disabled');
    directory.remove(ADA);
    expect(await standing()).toBe('absent');
    directory.restore(ADA);
    expect(await standing()).toBe('present');
  });
});
