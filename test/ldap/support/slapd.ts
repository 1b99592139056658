import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { untilListening } from './listening.ts';

const run = promisify(execFile);
const PATH = `${process.env.PATH}:/usr/sbin:/usr/lib/openldap`;
const env = { ...process.env, PATH };

export const BASE = 'dc=acme,dc=example';
export const PEOPLE = `ou=people,${BASE}`;
export const GROUPS = `ou=groups,${BASE}`;
export const ADMIN = `cn=admin,${BASE}`;
export const PASSWORD = 'slapd-admin-password';
/** May read, and is held by the server's limits. */
export const READER = `cn=reader,${BASE}`;

/** A real OpenLDAP server of the test's own. */
export interface Slapd {
  readonly port: number;
  readonly tlsPort: number;
  /** Changes entries, in LDIF (`changetype: modify` and the like). */
  change(ldif: string): Promise<void>;
  entryUuid(dn: string): Promise<string>;
  stop(): Promise<void>;
}

/** How it departs from the usual. */
export interface SlapdOptions {
  /** `sizelimit` and `limits` of slapd.conf(5). */
  readonly limits?: readonly string[];
  /** `access` of slapd.access(5). */
  readonly access?: readonly string[];
  readonly certificate?: { readonly cert: string; readonly key: string };
}

/** Starts slapd with the entries of an LDIF. */
export async function startSlapd(ldif: string, options: SlapdOptions = {}): Promise<Slapd> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-slapd-'));
  await mkdir(join(folder, 'db'));
  const [port, tlsPort] = [await freePort(), await freePort()];
  const config = join(folder, 'slapd.conf');
  await writeFile(config, await configOf(folder, options));
  await writeFile(join(folder, 'start.ldif'), ldif);
  await run('slapadd', ['-q', '-f', config, '-l', join(folder, 'start.ldif')], { env });
  const urls = `ldap://127.0.0.1:${port}/ ldaps://127.0.0.1:${tlsPort}/`;
  const url = options.certificate === undefined ? `ldap://127.0.0.1:${port}/` : urls;
  const child = spawn('slapd', ['-f', config, '-h', url, '-d', '0'], { env, stdio: 'inherit' });
  await untilListening('127.0.0.1', port, child);
  const tools = ['-x', '-H', `ldap://127.0.0.1:${port}/`, '-D', ADMIN, '-w', PASSWORD];
  return {
    port,
    tlsPort,
    change: async (changes) => {
      const file = join(folder, 'change.ldif');
      await writeFile(file, changes);
      await run('ldapmodify', [...tools, '-f', file], { env });
    },
    entryUuid: async (dn) => {
      const { stdout } = await run('ldapsearch', [
        ...tools,
        '-LLL',
        '-b',
        dn,
        '-s',
        'base',
        'entryUUID',
      ]);
      const uuid = /^entryUUID: (.+)$/m.exec(stdout)?.[1];
      if (uuid === undefined) throw new Error(`there is no ${dn}`);
      return uuid;
    },
    stop: async () => {
      if (child.exitCode === null) {
        const gone = once(child, 'exit');
        child.kill('SIGTERM');
        await gone;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function configOf(folder: string, options: SlapdOptions): Promise<string> {
  const tls: string[] = [];
  if (options.certificate !== undefined) {
    await writeFile(join(folder, 'cert.pem'), options.certificate.cert);
    await writeFile(join(folder, 'key.pem'), options.certificate.key, { mode: 0o600 });
    tls.push(`TLSCertificateFile ${folder}/cert.pem`, `TLSCertificateKeyFile ${folder}/key.pem`);
  }
  const schemas = ['core', 'cosine', 'inetorgperson'].map(
    (name) => `include /etc/ldap/schema/${name}.schema`,
  );
  return [
    ...schemas,
    'modulepath /usr/lib/ldap',
    'moduleload back_mdb',
    'moduleload ppolicy',
    `pidfile ${folder}/pid`,
    ...tls,
    'database mdb',
    'maxsize 268435456',
    `suffix "${BASE}"`,
    `rootdn "${ADMIN}"`,
    `rootpw ${PASSWORD}`,
    `directory ${folder}/db`,
    'index objectClass eq',
    'index entryUUID,member,uid eq',
    ...(options.limits ?? [
      'limits * size.soft=unlimited size.hard=unlimited size.prtotal=unlimited',
    ]),
    'overlay ppolicy',
    ...(options.access ?? ['access to attrs=userPassword by * auth', 'access to * by * read']),
    '',
  ].join('\n');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** The tree of an LDIF: the base, people, groups. */
export function startOf(
  people: readonly string[],
  groups: Readonly<Record<string, readonly string[]>>,
): string {
  const entries = [
    `dn: ${BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Acme\ndc: acme`,
    `dn: ${PEOPLE}\nobjectClass: organizationalUnit\nou: people`,
    `dn: ${GROUPS}\nobjectClass: organizationalUnit\nou: groups`,
    `dn: ${READER}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: reader\nuserPassword: ${PASSWORD}`,
    ...people.map(personLdif),
    ...Object.entries(groups).map(([name, members]) => groupLdif(name, members)),
  ];
  return `${entries.join('\n\n')}\n`;
}

export function personLdif(uid: string): string {
  return `dn: ${dnOf(uid)}\nobjectClass: inetOrgPerson\nuid: ${uid}\ncn: ${uid}\nsn: ${uid}\nuserPassword: ${PASSWORD}-${uid}`;
}

export function groupLdif(name: string, members: readonly string[]): string {
  const list = members.map((member) => `member: ${member.includes('=') ? member : dnOf(member)}`);
  return [`dn: ${groupDn(name)}`, 'objectClass: groupOfNames', `cn: ${name}`, ...list].join('\n');
}

export function dnOf(uid: string): string {
  return `uid=${uid},${PEOPLE}`;
}

export function groupDn(name: string): string {
  return `cn=${name},${GROUPS}`;
}
