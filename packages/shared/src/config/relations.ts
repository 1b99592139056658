import { parseDuration } from './duration.ts';
import type { Finding } from './issues.ts';
import { type Outline, type OutlineConnection, outlineOf } from './outline.ts';
import { PRESET_NAMES, PRESETS } from './presets.ts';
import { conflict, unknownConnection } from './relation-findings.ts';
import { faultsOfAliases, findRoleFaults } from './role-relations.ts';
import { subjectMissing } from './schema/connection.ts';
import { quote } from './schema/fields.ts';

/** What is wrong with how the parts of a configuration fit together. Pure. */
export function findRelationFaults(input: unknown): Finding[] {
  const outline = outlineOf(input);
  return [
    ...faultsOfSession(outline),
    ...outline.connections.flatMap((connection, i) => faultsOfConnection(connection, i)),
    ...outline.connections.flatMap((connection, i) => faultsOfKeys(connection, i, outline)),
    ...repeatedIds(outline),
    ...sharedDomains(outline),
    ...outline.connections.flatMap((connection, i) => faultsOfAliases(connection, i)),
    ...faultsOfLogin(outline),
    ...findRoleFaults(outline),
    ...faultsOfProtect(outline),
  ];
}

function faultsOfSession({ session }: Outline): Finding[] {
  const idleMs = parseDuration(session.idle ?? '30m');
  const maxMs = parseDuration(session.max ?? '8h');
  if (idleMs === null || maxMs === null || idleMs <= maxMs) return [];
  const path = ['session', session.idle === undefined ? 'max' : 'idle'];
  const message = `expected idle to be at most max, received idle ${session.idle ?? '30m'} and max ${session.max ?? '8h'}`;
  return [conflict(path, message)];
}

function faultsOfConnection(connection: OutlineConnection, index: number): Finding[] {
  const path = ['connections', index];
  const findings: Finding[] = [];
  const preset = PRESET_NAMES.find((known) => known === (connection.preset ?? 'generic'));
  if (preset !== undefined && connection.subject === undefined) {
    const { subject } = PRESETS[preset];
    if ('none' in subject) {
      const message = subjectMissing(subject.none);
      findings.push({ path: [...path, 'subject'], message, code: 'config.missing' });
    }
  }
  const asksNobody = connection.directory === undefined || connection.directory.type === 'none';
  if (connection.sweep !== undefined && asksNobody && !countsSilence(connection.sweep)) {
    const message =
      'expected a directory to ask, or silence: without either, nobody can be found to have left (add directory, add silence to sweep, or remove sweep)';
    findings.push({ ...conflict([...path, 'sweep'], message), atKey: true });
  }
  if (connection.idp_initiated === true && connection.force_authn === true) {
    const message =
      'expected one of idp_initiated and force_authn: where nobody asks, nobody can ask for a fresh sign-in';
    findings.push(conflict([...path, 'idp_initiated'], message));
  }
  return findings;
}

function countsSilence(sweep: unknown): boolean {
  return typeof sweep === 'object' && sweep !== null && 'silence' in sweep;
}

/** What needs a key must have one, and what is accepted of encryption must betray nothing. */
function faultsOfKeys(connection: OutlineConnection, index: number, { saml }: Outline): Finding[] {
  const path = ['connections', index];
  const findings: Finding[] = [];
  const keys = connection.keys ?? saml;
  if (connection.sign_requests === 'always' && (keys?.signing ?? []).length === 0) {
    const message = 'expected a key for signing (add keys.signing, or saml.signing)';
    findings.push(conflict([...path, 'sign_requests'], message));
  }
  if (connection.encryption === 'required' && (keys?.decryption ?? []).length === 0) {
    const message =
      'expected a key for decryption: nothing encrypted could be read (add keys.decryption, or saml.decryption)';
    findings.push(conflict([...path, 'encryption'], message));
  }
  const telling = ['rsa1_5', 'aes_cbc'];
  const weak = connection.weak_algorithms?.find((name) => telling.includes(name));
  if (weak !== undefined && (connection.signed ?? 'assertion') === 'assertion') {
    const message = `expected signed: response or signed: both with ${quote(weak)}: unless the ciphertext is signed, our answers to changed ones give the plain text away`;
    findings.push(conflict([...path, 'weak_algorithms'], message));
  }
  return findings;
}

function repeatedIds({ connections }: Outline): Finding[] {
  return connections.flatMap(({ id }, index): Finding[] => {
    const first = connections.findIndex((other) => other.id === id);
    if (id === undefined || first === index) return [];
    const message = `expected an id of its own, received ${quote(id)}, which connections.${first} has already`;
    return [{ path: ['connections', index, 'id'], message, code: 'config.duplicate' }];
  });
}

/** A domain leads to one connection at the sign-in page. */
function sharedDomains({ connections }: Outline): Finding[] {
  const owners = new Map<string, number>();
  return connections.flatMap(({ domains }, index) =>
    (domains ?? []).flatMap((domain, position): Finding[] => {
      const owner = owners.get(domain);
      if (owner === undefined) owners.set(domain, index);
      if (owner === undefined || domain === '') return [];
      const path = ['connections', index, 'domains', position];
      const message = `expected each domain once, received ${quote(domain)}, which connections.${owner} has already`;
      return [{ path, message, code: 'config.duplicate' }];
    }),
  );
}

/** A sign-in page that neither asks nor shows anything leads nobody anywhere. */
function faultsOfLogin({ login, connections }: Outline): Finding[] {
  const hidden = login?.show_connections === false && connections.length > 1;
  if (!hidden || connections.some(({ domains }) => (domains ?? []).length > 0)) return [];
  const message =
    'expected domains in at least one connection: without them, and without the list, the sign-in page leads nowhere';
  return [conflict(['login', 'show_connections'], message)];
}

function faultsOfProtect(outline: Outline): Finding[] {
  return (outline.protect ?? []).flatMap((entry, index) => {
    const colon = entry.indexOf(':');
    if (colon < 1) return [];
    return unknownConnection(entry.slice(0, colon), ['protect', index], outline);
  });
}
