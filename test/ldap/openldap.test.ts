import type { DirectoryMember } from '@rollcall/shared/core/evidence';
import { toDirectoryId } from '@rollcall/shared/core/ids';
import type { Directory } from '@rollcall/sweeper/directories/port';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  addsUp,
  describeDirectory,
  listingError,
  lookUp,
  readListing,
} from '../conformance/directory-contract.ts';
import { makeTlsCertificate } from './support/certificate.ts';
import { openLdap } from './support/directory.ts';
import {
  dnOf,
  groupDn,
  PEOPLE,
  type Slapd,
  type SlapdOptions,
  startOf,
  startSlapd,
} from './support/slapd.ts';

const STAFF = [
  'ada',
  'alan',
  'charles',
  'edsger',
  'emilie',
  'grace',
  'hedy',
  'katherine',
  'margaret',
];
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  analysts: ['ada', 'alan', 'katherine'],
  admins: ['grace'],
  // Whoever is an admin is an editor as well.
  editors: ['edsger', groupDn('admins')],
};

function lock(uid: string, value: string): string {
  return `dn: ${dnOf(uid)}\nchangetype: modify\nreplace: pwdAccountLockedTime\npwdAccountLockedTime: ${value}\n`;
}

describeDirectory('OpenLDAP', async () => {
  const slapd = await startSlapd(startOf(STAFF, MEMBERS));
  await slapd.change(lock('charles', '000001010000Z'));
  const groups: Readonly<Record<string, readonly string[]>> = {
    ada: ['analysts'],
    alan: ['analysts'],
    edsger: ['editors'],
    grace: ['admins', 'editors'],
    katherine: ['analysts'],
  };
  const people = await Promise.all(
    STAFF.map(async (uid): Promise<DirectoryMember> => {
      const id = toDirectoryId(await slapd.entryUuid(dnOf(uid)));
      const standing = uid === 'charles' ? 'disabled' : 'present';
      return { id, standing, groups: groups[uid] ?? [], label: uid };
    }),
  );
  return {
    directory: openLdap({ port: slapd.port }),
    expected: () => people,
    asksByPath: false,
    close: () => slapd.stop(),
  };
});

describe('OpenLDAP', () => {
  let slapd: Slapd;
  const start = async (options: SlapdOptions = {}, people = STAFF, groups = MEMBERS) => {
    slapd = await startSlapd(startOf(people, groups), options);
    return openLdap({ port: slapd.port });
  };
  afterEach(() => slapd?.stop());

  const idOf = (uid: string): Promise<string> => slapd.entryUuid(dnOf(uid));
  const standingOf = async (directory: Directory, uid: string) =>
    (await lookUp(directory, await idOf(uid))).standing;
  const listed = async (directory: Directory): Promise<Record<string, string>> => {
    const { members } = await readListing(directory);
    return Object.fromEntries(members.map(({ label, standing }) => [label ?? '', standing]));
  };

  it('throws at its size limit, though it has handed out some pages: the sum of them counts', async () => {
    const crowd = Array.from({ length: 40 }, (_, index) => `p${index}`);
    const directory = await start({ limits: ['sizelimit 20'] }, crowd, { analysts: ['p1'] });
    const handedOut: string[] = [];
    const error = await (async () => {
      for await (const page of directory.list(AbortSignal.timeout(20_000))) {
        handedOut.push(...page.members.map(({ id }) => id));
      }
    })().catch((caught: unknown) => caught);
    expect(handedOut.length).toBeGreaterThan(0);
    expect(error).toMatchObject({ code: 'directory.cursor_broken' });
    expect(String(error)).toContain('size.prtotal=unlimited');
  });

  it('lists 2,500 people over pages, also where their number is a multiple of the page', async () => {
    const crowd = Array.from({ length: 2_500 }, (_, index) => `p${index}`);
    await start({}, crowd, { analysts: crowd.slice(0, 1_700) });
    for (const pageSize of [500, 999, 1_000]) {
      const listing = await readListing(openLdap({ port: slapd.port, pageSize }));
      expect(addsUp(listing)).toBe(true);
      expect(listing.members).toHaveLength(2_500);
      const analysts = listing.members.filter(({ groups }) => groups?.includes('analysts'));
      expect(analysts).toHaveLength(1_700);
    }
  });

  it('misses nobody who stays while people leave and join between the pages', async () => {
    const directory = await start();
    const stay = STAFF.filter((uid) => uid !== 'ada');
    let pages = 0;
    const seen: string[] = [];
    for await (const page of directory.list(AbortSignal.timeout(20_000))) {
      seen.push(...page.members.map(({ label }) => label ?? ''));
      pages += 1;
      if (pages === 1) {
        await slapd.change(
          `dn: ${dnOf('ada')}\nchangetype: delete\n\n` +
            `dn: ${dnOf('zoe')}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: zoe\ncn: zoe\nsn: zoe\n`,
        );
      }
    }
    expect(seen).toEqual(expect.arrayContaining(stay));
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('takes a lock for good for one, and a lock by wrong passwords for none', async () => {
    const directory = await start();
    await slapd.change(lock('ada', '20261125080000Z'));
    await slapd.change(lock('alan', '000001010000Z'));
    expect(await listed(directory)).toMatchObject({ ada: 'present', alan: 'disabled' });
    expect(await standingOf(directory, 'ada')).toBe('present');
    expect(await standingOf(directory, 'alan')).toBe('disabled');
  });

  it('calls whoever falls out of the filter unassigned, not absent', async () => {
    await start();
    const directory = openLdap({
      port: slapd.port,
      filter: '(&(objectClass=inetOrgPerson)(!(employeeType=former)))',
    });
    await slapd.change(
      `dn: ${dnOf('ada')}\nchangetype: modify\nadd: employeeType\nemployeeType: former\n`,
    );
    expect(await listed(directory)).not.toHaveProperty('ada');
    expect(await standingOf(directory, 'ada')).toBe('unassigned');
  });

  it('knows nobody who was deleted, and everybody who was renamed', async () => {
    const directory = await start();
    const [ada, alan] = [await idOf('ada'), await idOf('alan')];
    await slapd.change(
      `dn: ${dnOf('ada')}\nchangetype: delete\n\n` +
        `dn: ${dnOf('alan')}\nchangetype: modrdn\nnewrdn: uid=turing\ndeleteoldrdn: 1\n`,
    );
    expect((await lookUp(directory, ada)).standing).toBe('absent');
    expect(await lookUp(directory, alan)).toMatchObject({ standing: 'present', label: 'turing' });
  });

  describe('with an assignment group', () => {
    const groups = { ...MEMBERS, app: ['alan', groupDn('admins')] };
    const assignmentGroup = groupDn('App').replaceAll(',', ' , ');

    it('tells the assigned from the others, through groups in groups and however it is spelled', async () => {
      await start({}, STAFF, groups);
      const directory = openLdap({ port: slapd.port, assignmentGroup });
      expect(await listed(directory)).toMatchObject({
        ada: 'unassigned',
        alan: 'present',
        grace: 'present',
      });
      for (const [uid, standing] of [
        ['ada', 'unassigned'],
        ['alan', 'present'],
        ['grace', 'present'],
      ] as const) {
        expect(await standingOf(directory, uid)).toBe(standing);
      }
    });

    it('refuses to list, and to say "unassigned", where the group is gone', async () => {
      await start({}, STAFF, groups);
      const directory = openLdap({ port: slapd.port, assignmentGroup });
      await slapd.change(`dn: ${groupDn('app')}\nchangetype: delete\n`);
      expect((await listingError(directory)).fault).toBe('forbidden');
      expect(await standingOf(directory, 'ada')).toBe('unknown');
    });

    it('refuses to list, and to say "unassigned", where members are hidden', async () => {
      await start(
        { access: ['access to attrs=member by * none', 'access to * by * read'] },
        STAFF,
        groups,
      );
      const directory = openLdap({ port: slapd.port, assignmentGroup });
      expect((await listingError(directory)).fault).toBe('forbidden');
      expect(await standingOf(directory, 'alan')).toBe('unknown');
    });
  });

  it('says no groups rather than empty ones, where a group hides its members', async () => {
    const directory = await start({
      access: ['access to attrs=member by * none', 'access to * by * read'],
    });
    const { members } = await readListing(directory);
    expect(members.map(({ groups }) => groups)).toEqual(STAFF.map(() => null));
  });

  it('never lists what it may not see as nobody', async () => {
    const directory = await start({
      access: [`access to dn.subtree="${PEOPLE}" by * none`, 'access to * by * read'],
    });
    expect((await listingError(directory)).fault).toBe('request_failed');
    expect(await standingOf(directory, 'ada')).toBe('unknown');
  });

  it('refuses a referral: whoever is elsewhere would be missing', async () => {
    const directory = await start();
    await slapd.change(
      `dn: ou=far,${PEOPLE}\nchangetype: add\nobjectClass: referral\nobjectClass: extensibleObject\nou: far\nref: ldap://far.example/ou=far,${PEOPLE}\n`,
    );
    const error = await listingError(directory);
    expect(error.message).toContain('a referral to far.example');
    expect(await standingOf(directory, 'ada')).toBe('unknown');
  });

  it('tells a wrong password, a wrong base and a closed port apart, and keeps the secret', async () => {
    await start();
    const { port } = slapd;
    const wrong = [
      [openLdap({ port, secret: 'not-the-password' }), 'unauthorized', '49'],
      [openLdap({ port, base: 'ou=nowhere,dc=acme,dc=example' }), 'request_failed', '32'],
      [openLdap({ port: 1 }), 'request_failed', 'ECONNREFUSED'],
      [openLdap({ port, filter: '(objectClass=*))(' }), 'request_failed', 'RFC 4515'],
    ] as const;
    for (const [directory, fault, text] of wrong) {
      const error = await listingError(directory);
      expect(error.fault).toBe(fault);
      expect(error.message).toContain(text);
      expect(`${error.stack} ${JSON.stringify(error)}`).not.toContain('not-the-password');
      expect((await lookUp(directory, await idOf('ada'))).standing).toBe('unknown');
    }
  });

  it('breaks off where the server goes away, and asks the next one again by itself', async () => {
    const directory = await start();
    const id = await idOf('ada');
    expect((await lookUp(directory, id)).standing).toBe('present');
    const pages = directory.list(AbortSignal.timeout(20_000))[Symbol.asyncIterator]();
    await pages.next();
    await slapd.stop();
    await expect(pages.next()).rejects.toMatchObject({ code: 'directory.request_failed' });
    expect((await lookUp(directory, id)).standing).toBe('unknown');
    await start();
    const again = openLdap({ port: slapd.port });
    expect((await lookUp(again, await idOf('ada'))).standing).toBe('present');
  });

  it('looks people up side by side over one connection', async () => {
    const directory = await start();
    const ids = await Promise.all(STAFF.map(idOf));
    const answers = await Promise.all(ids.map((id) => lookUp(directory, id)));
    expect(answers.map(({ label }) => label)).toEqual(STAFF);
  });

  it('keeps a group that is in itself, by way of another, from going round for ever', async () => {
    const groups = { red: ['ada', groupDn('blue')], blue: [groupDn('red')] };
    const directory = await start({}, STAFF, groups);
    const { members } = await readListing(directory);
    const ada = members.find(({ label }) => label === 'ada');
    expect(ada?.groups).toEqual(['blue', 'red']);
    expect((await lookUp(directory, await idOf('ada'))).groups).toEqual(['blue', 'red']);
  });

  it('counts only direct groups where that is wanted', async () => {
    await start();
    const usual = { base: groupDn('x').replace('cn=x,', ''), filter: '(objectClass=groupOfNames)' };
    const groups = {
      ...usual,
      from: 'member',
      name: 'cn',
      nested: false,
      primary: false,
      neverEmpty: true,
    } as const;
    const directory = openLdap({ port: slapd.port, groups });
    const { members } = await readListing(directory);
    expect(members.find(({ label }) => label === 'grace')?.groups).toEqual(['admins']);
    expect((await lookUp(directory, await idOf('grace'))).groups).toEqual(['admins']);
  });
});

describe('OpenLDAP over TLS', () => {
  let slapd: Slapd;
  let certificate: { cert: string; key: string };
  beforeAll(async () => {
    certificate = await makeTlsCertificate('localhost');
    slapd = await startSlapd(startOf(STAFF, MEMBERS), { certificate });
  });
  afterAll(() => slapd?.stop());

  it.each(['ldaps', 'starttls'] as const)(
    'lists over %s, if the certificate is one to trust',
    async (security) => {
      const port = security === 'ldaps' ? slapd.tlsPort : slapd.port;
      const place = { port, security, host: 'localhost' } as const;
      const trusting = openLdap({ ...place, authorities: async () => certificate.cert });
      expect((await readListing(trusting)).members).toHaveLength(STAFF.length);
      const distrusting = await listingError(openLdap(place));
      expect(distrusting.fault).toBe('request_failed');
      expect(distrusting.message).toMatch(/CERT|SELF_SIGNED/);
      const other = openLdap({
        ...place,
        host: '127.0.0.1',
        authorities: async () => certificate.cert,
      });
      expect((await listingError(other)).message).toContain('ERR_TLS_CERT_ALTNAME_INVALID');
    },
  );
});
