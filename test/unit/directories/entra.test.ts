import { toDirectoryId } from '@rollcall/shared/core/ids';
import { afterEach, describe, expect, it } from 'vitest';
import { person } from '../../conformance/directories/scripted-people.ts';
import { htmlPage } from '../../conformance/directories/scripted-server.ts';
import type { ScriptedHarness } from '../../conformance/directory-contract.ts';
import { addsUp, listingError, lookUp, readListing } from '../../conformance/directory-contract.ts';
import {
  type EntraSimulatorOptions,
  graphError,
  openEntraSimulator,
} from '../../simulators/entra.ts';

let harness: ScriptedHarness;
afterEach(() => harness.close());

async function open(options: EntraSimulatorOptions = {}): Promise<ScriptedHarness> {
  harness = await openEntraSimulator(options);
  return harness;
}

describe('Microsoft Entra (simulator)', () => {
  it('throws a listing away while the index that counts is behind, and heals', async () => {
    let lag = 0;
    await open({ countLag: () => lag });
    lag = 1;
    expect((await listingError(harness.directory)).message).toContain('Graph counted 8 rows');
    lag = 0;
    expect(addsUp(await readListing(harness.directory))).toBe(true);
  });

  it('does not take people of a group in an assigned group for assigned', async () => {
    const people = [person(1, 'ada', ['analysts']), { ...person(2, 'alan'), assigned: false }];
    await open({ people, nested: new Set(['id-02']) });
    const { members } = await readListing(harness.directory);
    expect(members.map(({ id }) => id)).toEqual(['id-01']);
    expect((await lookUp(harness.directory, 'id-02')).standing).toBe('unassigned');
  });

  it('takes nobody for unassigned whose groups or assignments cannot be read', async () => {
    await open();
    for (const path of ['memberOf', 'appRoleAssignments']) {
      harness.answerPath(`/v1.0/users/id-06/${path}`, htmlPage(502));
      expect((await lookUp(harness.directory, 'id-06')).standing).toBe('unknown');
      harness.mend();
    }
    for (const path of ['appRoleAssignedTo']) {
      const app = '8a1d2c3e-0000-4000-8000-000000000002';
      harness.answerPath(
        `/v1.0/servicePrincipals(appId='${app}')/${path}`,
        graphError(403, 'Authorization_RequestDenied'),
      );
      expect((await lookUp(harness.directory, 'id-06')).standing).toBe('unknown');
      expect(await listingError(harness.directory)).toMatchObject({
        fault: 'forbidden',
        refusal: 'permission',
        message: expect.stringContaining('403 (Authorization_RequestDenied)'),
      });
    }
  });

  it('lists nobody where the members of an assigned group cannot be read', async () => {
    await open();
    harness.answerPath(
      '/v1.0/groups/analysts/members',
      graphError(404, 'Request_ResourceNotFound'),
    );
    expect((await listingError(harness.directory)).fault).toBe('request_failed');
  });

  it('says that a page has expired, and begins anew the next time', async () => {
    await open();
    harness.answerPage(2, graphError(400, 'Directory_ExpiredPageToken'));
    expect((await listingError(harness.directory)).fault).toBe('cursor_broken');
    harness.mend();
    expect(addsUp(await readListing(harness.directory))).toBe(true);
  });

  it('has another fingerprint where an assignment is no longer asked for', async () => {
    const signal = AbortSignal.timeout(10_000);
    await open();
    const before = await harness.directory.fingerprint(signal);
    await harness.close();
    await open({ assignmentRequired: false });
    const answer = await harness.directory.lookUp(toDirectoryId('id-06'), signal);
    expect(answer.standing).toBe('present');
    expect(await harness.directory.fingerprint(signal)).not.toBe(before);
  });
});
