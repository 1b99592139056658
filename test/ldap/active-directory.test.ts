import type { DirectoryMember } from '@rollcall/shared/core/evidence';
import { toDirectoryId } from '@rollcall/shared/core/ids';
import { toEpochMs } from '@rollcall/shared/core/time';
import { ldapDirectory } from '@rollcall/sweeper/directories/ldap';
import type { LdapDirectoryOptions } from '@rollcall/sweeper/directories/ldap/options';
import type { Directory } from '@rollcall/sweeper/directories/port';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addsUp,
  describeDirectory,
  listingError,
  lookUp,
  readListing,
} from '../conformance/directory-contract.ts';
import {
  ADMINISTRATOR,
  adDn,
  adGroup,
  adPerson,
  DOMAIN,
  HOST,
  PASSWORD,
  PORT,
  type Samba,
  STAFF,
  startSamba,
} from './support/samba.ts';

/** 100 ns since 1601, as accountExpires has it. */
const fileTime = (ms: number): string => String((BigInt(ms) + 11_644_473_600_000n) * 10_000n);
const NOW = Date.UTC(2026, 10, 25);
const PEOPLE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ada: {},
  alan: { userAccountControl: '546' },
  charles: { accountExpires: fileTime(NOW - 1_000) },
  edsger: { accountExpires: fileTime(NOW + 1_000) },
  emilie: { accountExpires: '9223372036854775807' },
  grace: {},
  hedy: {},
};
const OUT = ['alan', 'charles'];

let samba: Samba;
beforeAll(async () => {
  samba = await startSamba();
  await samba.add(`dn: ${STAFF}\nobjectClass: organizationalUnit\n`);
  await samba.add(
    Object.entries(PEOPLE)
      .map(([name, more]) => adPerson(name, more))
      .join('\n'),
  );
  await samba.add(
    [
      adGroup('admins', ['grace']),
      adGroup('editors', ['admins', 'hedy']),
      adGroup('app', ['editors', 'ada']),
    ].join('\n'),
  );
});
afterAll(() => samba?.stop());

function open(changes: Partial<LdapDirectoryOptions> = {}): Directory {
  return ldapDirectory({
    address: { host: HOST, port: PORT, security: 'none' },
    authorities: async () => null,
    bindDn: ADMINISTRATOR,
    password: async () => PASSWORD,
    server: 'active_directory',
    base: STAFF,
    filter: '(&(objectCategory=person)(objectClass=user))',
    id: { attribute: 'objectGUID', format: 'guid' },
    label: 'sAMAccountName',
    groups: {
      base: DOMAIN,
      filter: '(objectClass=group)',
      from: 'member_of',
      name: 'cn',
      nested: true,
      primary: true,
      neverEmpty: false,
    },
    assignmentGroup: null,
    timeoutMs: 20_000,
    pageSize: 3,
    clock: () => toEpochMs(NOW),
    ...changes,
  });
}

describeDirectory('Active Directory (Samba)', async () => {
  // Everybody is in Domain Users, which neither side names, and that in the group Users.
  const groups: Readonly<Record<string, readonly string[]>> = {
    ada: ['app'],
    grace: ['admins', 'app', 'editors'],
    hedy: ['app', 'editors'],
  };
  const people = await Promise.all(
    Object.keys(PEOPLE).map(async (name): Promise<DirectoryMember> => {
      const id = toDirectoryId(await samba.guidOf(adDn(name)));
      const standing = OUT.includes(name) ? 'disabled' : 'present';
      const all = [...(groups[name] ?? []), 'Domain Users', 'Users'];
      return { id, standing, groups: all, label: name };
    }),
  );
  return {
    directory: open(),
    expected: () => people,
    asksByPath: false,
    close: async () => undefined,
  };
});

describe('Active Directory (Samba)', () => {
  const standingOf = async (directory: Directory, name: string) =>
    (await lookUp(directory, await samba.guidOf(adDn(name)))).standing;

  it('may be asked for the whole domain, which refers to partitions without people', async () => {
    const listing = await readListing(open({ base: DOMAIN, pageSize: 500 }));
    expect(addsUp(listing)).toBe(true);
    expect(listing.members.map(({ label }) => label)).toEqual(
      expect.arrayContaining([...Object.keys(PEOPLE), 'Administrator', 'krbtgt']),
    );
  });

  it('tells who is assigned, through groups in groups', async () => {
    const directory = open({ assignmentGroup: adDn('app') });
    const { members } = await readListing(directory);
    const standings = Object.fromEntries(members.map(({ label, standing }) => [label, standing]));
    expect(standings).toEqual({
      ada: 'present',
      alan: 'disabled',
      charles: 'disabled',
      edsger: 'unassigned',
      emilie: 'unassigned',
      grace: 'present',
      hedy: 'present',
    });
    for (const [name, standing] of Object.entries(standings)) {
      expect(await standingOf(directory, name), name).toBe(standing);
    }
  });

  it('reads the id as AD FS and as bytes, too', async () => {
    const guid = await samba.guidOf(adDn('ada'));
    for (const format of ['base64', 'hex'] as const) {
      const directory = open({ id: { attribute: 'objectGUID', format } });
      const { members } = await readListing(directory);
      const ada = members.find(({ label }) => label === 'ada');
      const bytes = Buffer.from(ada?.id ?? '', format);
      expect(bytes).toHaveLength(16);
      expect(bytes.toString('hex').slice(16)).toBe(guid.replaceAll('-', '').slice(16));
      expect((await lookUp(directory, ada?.id ?? '')).label).toBe('ada');
    }
  });

  it('finds nobody who was deleted, and takes no other for them', async () => {
    await samba.add(adPerson('leaver'));
    const directory = open();
    const guid = await samba.guidOf(adDn('leaver'));
    expect((await lookUp(directory, guid)).standing).toBe('present');
    await samba.change(`dn: ${adDn('leaver')}\nchangetype: delete\n`);
    expect((await lookUp(directory, guid)).standing).toBe('absent');
    await samba.add(adPerson('leaver'));
    expect((await lookUp(directory, guid)).standing).toBe('absent');
    await samba.change(`dn: ${adDn('leaver')}\nchangetype: delete\n`);
  });

  it('refuses to call everybody enabled where it may not read who is not', async () => {
    // An attribute that nobody has stands for one that the account may not read.
    const directory = open({
      server: 'active_directory',
      filter: '(objectClass=organizationalUnit)',
      label: 'ou',
    });
    expect((await listingError(directory)).message).toContain('userAccountControl');
  });

  it('lists 2,500 people and misses nobody who stays while others are deleted between the pages', async () => {
    const crowd = Array.from({ length: 2_500 }, (_, index) => `crowd${index}`);
    await samba.add(`dn: OU=Crowd,${DOMAIN}\nobjectClass: organizationalUnit\n`);
    const place = (ldif: string): string => ldif.replaceAll(STAFF, `OU=Crowd,${DOMAIN}`);
    await samba.add(crowd.map((name) => place(adPerson(name))).join('\n'));
    await samba.add(place(adGroup('everybody', crowd.slice(0, 1_700))));
    const directory = open({ base: `OU=Crowd,${DOMAIN}`, pageSize: 500 });
    const seen: string[] = [];
    let deleted = false;
    for await (const page of directory.list(AbortSignal.timeout(60_000))) {
      seen.push(...page.members.map(({ label }) => label ?? ''));
      if (deleted) continue;
      deleted = true;
      const leavers = ['crowd0', 'crowd1', 'crowd2499'];
      await samba.change(
        leavers.map((name) => place(`dn: ${adDn(name)}\nchangetype: delete\n`)).join('\n'),
      );
    }
    const stay = crowd.filter((name) => !['crowd0', 'crowd1', 'crowd2499'].includes(name));
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(expect.arrayContaining(stay));
    const { members } = await readListing(directory);
    expect(members.filter(({ groups }) => groups?.includes('everybody'))).toHaveLength(1_698);
  }, 240_000);
});
