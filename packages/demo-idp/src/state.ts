import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { DemoIdpError } from './errors.ts';
import { type Fault, isFault } from './faults.ts';
import { type GroupRecord, type PersonRecord, SEED_GROUPS, seedPeople } from './people.ts';
import { createSigningKey } from './signing-key.ts';

/** All that the demo IdP remembers. Replaced as a whole, never changed in place. */
export interface IdpState {
  readonly version: 1;
  /** PKCS #8 private key, PEM. */
  readonly key: string;
  /** Self-signed X.509 certificate of the key, PEM. */
  readonly certificate: string;
  readonly scimToken: string;
  readonly people: readonly PersonRecord[];
  readonly groups: readonly GroupRecord[];
  readonly fault: Fault;
}

/** A fresh state: new key, new token, the seed directory, no fault. */
export async function createState(now: number): Promise<IdpState> {
  const { key, certificate } = await createSigningKey(now);
  const scimToken = `demo_${randomBytes(24).toString('base64url')}`;
  return {
    version: 1,
    key,
    certificate,
    scimToken,
    people: seedPeople(now),
    groups: SEED_GROUPS,
    fault: 'none',
  };
}

/**
 * Reads a state file; undefined where there is none yet.
 *
 * @throws DemoIdpError `demo_idp.state_unreadable` when the file cannot be read,
 * `demo_idp.state_corrupt` when it does not hold a whole state. A damaged file
 * is never replaced: it holds the key that service providers trust.
 */
export function readState(file: string): IdpState | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new DemoIdpError('demo_idp.state_unreadable', `Cannot read state file ${file}.`, cause);
  }
  try {
    return parseState(JSON.parse(text));
  } catch (cause) {
    // A JSON error quotes the text, which holds the key and the token: it stays the cause.
    const what = cause instanceof StateShapeError ? cause.message : 'it is not JSON';
    throw new DemoIdpError(
      'demo_idp.state_corrupt',
      `State file ${file} is damaged: ${what}. Mend it, or delete it to start with a new key and directory.`,
      cause,
    );
  }
}

/**
 * Writes the state whole: beside the file first, flushed, then renamed over it,
 * so that a crash leaves the old one or the new one. Only the owner may read it.
 *
 * @throws DemoIdpError `demo_idp.state_unwritable`
 */
export function writeState(file: string, state: IdpState): void {
  const beside = `${file}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    const descriptor = openSync(beside, 'wx', 0o600);
    try {
      writeFileSync(descriptor, `${JSON.stringify(state, null, 2)}\n`);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(beside, file);
  } catch (cause) {
    rmSync(beside, { force: true });
    throw new DemoIdpError('demo_idp.state_unwritable', `Cannot write state file ${file}.`, cause);
  }
}

class StateShapeError extends Error {}

type Fields = Readonly<Record<string, unknown>>;

function parseState(value: unknown): IdpState {
  const fields = readFields(value, 'the file');
  if (fields.version !== 1) throw new StateShapeError('expected version 1');
  const fault = fields.fault;
  if (!isFault(fault)) throw new StateShapeError('fault is not the name of a fault');
  const key = readString(fields, 'key', 'the file');
  const certificate = readString(fields, 'certificate', 'the file');
  checkPair(key, certificate);
  const groups = readArray(fields, 'groups', 'the file').map(parseGroup);
  const people = readArray(fields, 'people', 'the file').map(parsePerson);
  checkDistinct(groups, 'groups');
  checkDistinct(people, 'people');
  const scimToken = readString(fields, 'scimToken', 'the file');
  return { version: 1, key, certificate, scimToken, people, groups, fault };
}

function checkPair(key: string, certificate: string): void {
  let belong: boolean;
  try {
    belong = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch {
    throw new StateShapeError('key or certificate is not PEM');
  }
  if (!belong) throw new StateShapeError('certificate is not the certificate of key');
}

function checkDistinct(records: readonly { readonly id: string }[], name: string): void {
  if (new Set(records.map(({ id }) => id)).size !== records.length) {
    throw new StateShapeError(`${name} holds the same id twice`);
  }
}

function parseGroup(value: unknown, index: number): GroupRecord {
  const where = `groups[${index}]`;
  const fields = readFields(value, where);
  const kind = fields.kind;
  if (kind !== 'role' && kind !== 'everyone' && kind !== 'assignment') {
    throw new StateShapeError(`${where}.kind is not role, everyone or assignment`);
  }
  return { id: readString(fields, 'id', where), name: readString(fields, 'name', where), kind };
}

function parsePerson(value: unknown, index: number): PersonRecord {
  const where = `people[${index}]`;
  const fields = readFields(value, where);
  return {
    id: readString(fields, 'id', where),
    externalId: readString(fields, 'externalId', where),
    userName: readString(fields, 'userName', where),
    email: readString(fields, 'email', where),
    givenName: readString(fields, 'givenName', where),
    familyName: readString(fields, 'familyName', where),
    groups: readArray(fields, 'groups', where).map((name) => {
      if (typeof name === 'string') return name;
      throw new StateShapeError(`${where}.groups holds something other than names`);
    }),
    assigned: readBoolean(fields, 'assigned', where),
    disabled: readBoolean(fields, 'disabled', where),
    removed: readBoolean(fields, 'removed', where),
    createdAt: readTime(fields, 'createdAt', where),
    changedAt: readTime(fields, 'changedAt', where),
  };
}

function readFields(value: unknown, where: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new StateShapeError(`${where} is not an object`);
  }
  return { ...value };
}

function readString(fields: Fields, name: string, where: string): string {
  const value = fields[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new StateShapeError(`${name} of ${where} is not a text`);
}

function readBoolean(fields: Fields, name: string, where: string): boolean {
  const value = fields[name];
  if (typeof value === 'boolean') return value;
  throw new StateShapeError(`${name} of ${where} is not true or false`);
}

function readTime(fields: Fields, name: string, where: string): number {
  const value = fields[name];
  if (typeof value === 'number' && !Number.isNaN(new Date(value).getTime())) return value;
  throw new StateShapeError(`${name} of ${where} is not a time in milliseconds`);
}

function readArray(fields: Fields, name: string, where: string): readonly unknown[] {
  const value = fields[name];
  if (Array.isArray(value)) return value;
  throw new StateShapeError(`${name} of ${where} is not a list`);
}
