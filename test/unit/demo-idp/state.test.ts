import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Directory } from '@rollcall/demo-idp/directory';
import { createState, type IdpState, readState, writeState } from '@rollcall/demo-idp/state';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const NOW = Date.UTC(2026, 0, 2);
let state: IdpState;
let folder: string;
let file: string;

beforeAll(async () => {
  state = await createState(NOW);
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'demo-idp-'));
  file = join(folder, 'deeper', 'state.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the state', () => {
  it('begins with an RSA-2048 key, a SHA-256 certificate for five years, eight people', () => {
    const certificate = new X509Certificate(state.certificate);
    expect(certificate.publicKey.asymmetricKeyDetails?.modulusLength).toBe(2048);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.signatureAlgorithm).toBe('sha256WithRSAEncryption');
    expect(certificate.validFromDate.getTime()).toBe(NOW);
    expect(certificate.validToDate.getTime()).toBe(Date.UTC(2031, 0, 2));
    expect(state.people).toHaveLength(8);
    expect(state.people.every((person) => person.groups.includes('Everyone'))).toBe(true);
    expect(state.people.filter((person) => person.groups.length === 1)).toHaveLength(1);
  });

  it('comes back from its file as it was, for the owner alone, with nothing left beside it', () => {
    expect(readState(file)).toBeUndefined();
    writeState(file, state);
    writeState(file, { ...state, fault: 'half' });
    expect(readState(file)).toEqual({ ...state, fault: 'half' });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, 'deeper'))).toEqual(['state.json']);
  });

  it.each<[string, (text: string) => string, string]>([
    ['JSON that breaks off', (text) => text.slice(0, 2000), 'not JSON'],
    ['nothing', () => '', 'not JSON'],
    ['a list', () => '[]', 'not an object'],
    ['another version', (text) => text.replace('"version": 1', '"version": 2'), 'version 1'],
    ['an unknown fault', (text) => text.replace('"none"', '"bad"'), 'fault'],
    ['a key that is none', (text) => text.replace('BEGIN PRIVATE', 'BEGIN PUBLIC'), 'PEM'],
    ['an empty token', (text) => text.replace(/"scimToken": ".*"/, '"scimToken": ""'), 'scimToken'],
    ['two people of one id', (text) => text.replace('p_2b86e05d', 'p_7f3a91c2'), 'twice'],
    [
      'a person without a name',
      (text) => text.replace('"givenName": "Ada"', '"givenName": 7'),
      'people[0]',
    ],
    [
      'a person half removed',
      (text) => text.replace('"removed": false', '"removed": "no"'),
      'people[0]',
    ],
  ])('is refused, not replaced, when the file holds %s', (_name, damage, reason) => {
    writeState(file, state);
    const damaged = damage(readFileSync(file, 'utf8'));
    writeFileSync(file, damaged);
    let thrown: unknown;
    try {
      readState(file);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'demo_idp.state_corrupt' });
    const { message } = thrown as Error;
    expect(message).toContain(reason);
    expect(message).toContain(file);
    expect(message).not.toContain(state.scimToken);
    expect(readFileSync(file, 'utf8')).toBe(damaged);
  });

  it('is refused when the certificate is not that of the key', async () => {
    const other = await createState(NOW);
    writeState(file, { ...state, certificate: other.certificate });
    expect(() => readState(file)).toThrow('certificate');
  });
});

describe('the directory', () => {
  it('does nothing that cannot be stored', () => {
    const directory = new Directory(
      state,
      () => {
        throw new Error('disk full');
      },
      () => NOW,
    );
    expect(() => directory.remove('p_7f3a91c2')).toThrow('disk full');
    expect(directory.person('p_7f3a91c2').state).toBe('active');
    expect(() => directory.setFault('empty')).toThrow('disk full');
    expect(directory.fault()).toBe('none');
  });

  it('shows the gravest state and restores them all', () => {
    const saved: IdpState[] = [];
    const directory = new Directory(
      state,
      (next) => saved.push(next),
      () => NOW + 1,
    );
    const id = 'p_c41d7e98';
    expect(directory.unassign(id).state).toBe('unassigned');
    expect(directory.disable(id).state).toBe('disabled');
    expect(directory.remove(id).state).toBe('removed');
    expect(directory.listed()).toHaveLength(7);
    expect(directory.restore(id)).toMatchObject({ state: 'active', changedAt: NOW + 1 });
    expect(saved).toHaveLength(4);
    expect(JSON.stringify(saved)).not.toContain('"state"');
  });

  it('regroups, keeps Everyone, and refuses groups and people that there are not', () => {
    const directory = new Directory(
      state,
      () => undefined,
      () => NOW,
    );
    expect(directory.regroup('p_c41d7e98', []).groups).toEqual(['Everyone']);
    expect(directory.regroup('p_c41d7e98', ['BI-Admins', 'BI-Admins']).groups).toEqual([
      'BI-Admins',
      'Everyone',
    ]);
    const unknown = expect.objectContaining({ code: 'demo_idp.group_unknown' });
    expect(() => directory.regroup('p_c41d7e98', ['Analytics App'])).toThrow(unknown);
    expect(() => directory.regroup('p_c41d7e98', ['nope'])).toThrow(unknown);
    expect(() => directory.disable('p_none')).toThrow(
      expect.objectContaining({ code: 'demo_idp.person_unknown' }),
    );
  });
});
