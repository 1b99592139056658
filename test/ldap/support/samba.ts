import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { untilListening } from './listening.ts';

const run = promisify(execFile);
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };

export const DOMAIN = 'DC=acme,DC=example';
export const STAFF = `OU=Staff,${DOMAIN}`;
export const ADMINISTRATOR = `CN=Administrator,CN=Users,${DOMAIN}`;
export const PASSWORD = 'Samba-admin-123-password';
/** Not 127.0.0.1: its port 389 may be somebody else's. The port itself cannot be chosen. */
export const HOST = '127.0.0.7';
export const PORT = 389;

/** A real domain controller of Samba's. */
export interface Samba {
  /** Adds entries, in LDIF. */
  add(ldif: string): Promise<void>;
  /** Changes entries, in LDIF (`changetype: modify` and the like). */
  change(ldif: string): Promise<void>;
  /** objectGUID as Samba writes it. */
  guidOf(dn: string): Promise<string>;
  stop(): Promise<void>;
}

/** Makes a domain and starts its controller. Needs to be root: the port is a low one. */
export async function startSamba(): Promise<Samba> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-samba-'));
  await run('samba-tool', provisioning(folder), { env, maxBuffer: 16 * 1024 * 1024 });
  const config = join(folder, 'etc/smb.conf');
  const text = await readFile(config, 'utf8');
  await writeFile(config, text.replace(/log file = .*/, `log file = ${folder}/log`));
  await appendFile(
    config.replace('smb.conf', 'more.conf'),
    `[global]\npid directory = ${folder}\nldap server require strong auth = no\ntls enabled = no\n`,
  );
  await appendFile(config, `\n[global]\n\tinclude = ${folder}/etc/more.conf\n`);
  const child = spawn('samba', ['-i', '-M', 'single', `--configfile=${config}`], {
    env,
    stdio: 'ignore',
  });
  try {
    await untilListening(HOST, PORT, child);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  const database = join(folder, 'private/sam.ldb');
  const ldb = async (program: string, ldif: string): Promise<void> => {
    const file = join(folder, 'change.ldif');
    await writeFile(file, ldif);
    await run(program, ['-H', database, '--configfile', config, file], { env });
  };
  return {
    add: (ldif) => ldb('ldbadd', ldif),
    change: (ldif) => ldb('ldbmodify', ldif),
    guidOf: async (dn) => {
      const asked = ['-H', database, '-b', dn, '-s', 'base', 'objectGUID'];
      const { stdout } = await run('ldbsearch', asked, { env });
      const guid = /^objectGUID: (.+)$/m.exec(stdout)?.[1];
      if (guid === undefined) throw new Error(`there is no ${dn}`);
      return guid;
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

function provisioning(folder: string): string[] {
  return [
    'domain',
    'provision',
    '--server-role=dc',
    '--domain=ACME',
    '--realm=ACME.EXAMPLE',
    `--adminpass=${PASSWORD}`,
    '--dns-backend=NONE',
    `--targetdir=${folder}`,
    '--host-name=dc1',
    `--host-ip=${HOST}`,
    `--option=interfaces=${HOST}/8`,
    '--option=bind interfaces only=yes',
    '--option=vfs objects=dfs_samba4 acl_xattr xattr_tdb',
    '--option=server services=ldap, cldap',
  ];
}

/** A person of the domain. `control`: userAccountControl, 544 is enabled. */
export function adPerson(name: string, more: Readonly<Record<string, string>> = {}): string {
  const attributes = { userAccountControl: '544', ...more };
  const lines = Object.entries(attributes).map(([key, value]) => `${key}: ${value}`);
  return [`dn: ${adDn(name)}`, 'objectClass: user', `sAMAccountName: ${name}`, ...lines, ''].join(
    '\n',
  );
}

export function adGroup(name: string, members: readonly string[]): string {
  const list = members.map((member) => `member: ${adDn(member)}`);
  return [`dn: ${adDn(name)}`, 'objectClass: group', `sAMAccountName: ${name}`, ...list, ''].join(
    '\n',
  );
}

export function adDn(name: string): string {
  return `CN=${name},${STAFF}`;
}
