import { parseDuration } from './duration.ts';
import type { Finding } from './issues.ts';
import { type Outline, type OutlineConnection, type OutlineRule, outlineOf } from './outline.ts';
import { PRESET_NAMES, PRESETS } from './presets.ts';
import { subjectMissing } from './schema/connection.ts';
import { quote } from './schema/fields.ts';
import type { KeyPath } from './yaml-document.ts';

/** What is wrong with how the parts of a configuration fit together. Pure. */
export function findRelationFaults(input: unknown): Finding[] {
  const outline = outlineOf(input);
  return [
    ...faultsOfSession(outline),
    ...outline.connections.flatMap((connection, i) => faultsOfConnection(connection, i)),
    ...outline.connections.flatMap((connection, i) => faultsOfKeys(connection, i, outline)),
    ...repeatedIds(outline),
    ...sharedDomains(outline),
    ...outline.roles.flatMap((rule, i) => faultsOfRule(rule, ['roles', i], outline)),
    ...halfPrivilegedRoles(outline),
    ...faultsOfDefaultRole(outline),
    ...faultsOfProtect(outline),
  ];
}

function conflict(path: KeyPath, message: string): Finding {
  return { path, message, code: 'config.conflict' };
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
  if (connection.sweep !== undefined && asksNobody) {
    const message =
      'expected a directory to ask: without one, nobody can be found to have left (add directory, or remove sweep)';
    findings.push({ ...conflict([...path, 'sweep'], message), atKey: true });
  }
  if (connection.idp_initiated === true && connection.force_authn === true) {
    const message =
      'expected one of idp_initiated and force_authn: where nobody asks, nobody can ask for a fresh sign-in';
    findings.push(conflict([...path, 'idp_initiated'], message));
  }
  return findings;
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

function faultsOfRule(rule: OutlineRule, path: KeyPath, outline: Outline): Finding[] {
  const findings: Finding[] = [];
  if (rule.role === 'none') {
    const message = 'expected another name: none stands for no role at all (default_role: none)';
    findings.push(conflict([...path, 'role'], message));
  }
  if (rule.when !== undefined && !hasCondition(rule.when)) {
    const message = 'expected at least one condition: any_group, all_groups or attributes';
    findings.push({ path: [...path, 'when'], message, code: 'config.missing' });
  }
  for (const [index, id] of (rule.from ?? []).entries()) {
    findings.push(...unknownConnection(id, [...path, 'from', index], outline));
  }
  if (rule.privileged === true) return [...findings, ...faultsOfPrivilegedRule(rule, path)];
  return [...findings, ...patternsIn(rule, path, 'all_groups', ALL_GROUPS_REASON)];
}

const ALL_GROUPS_REASON =
  'all_groups takes exact names, so it would match nothing: patterns belong in any_group';
const PRIVILEGED_REASON =
  'whoever can create a group whose name matches could give themselves this privileged role';

function faultsOfPrivilegedRule(rule: OutlineRule, path: KeyPath): Finding[] {
  const findings: Finding[] = [];
  if (rule.from === undefined) {
    const message =
      'is missing: a privileged role is given only by connections named here, so that no other IdP can claim it';
    findings.push({ path: [...path, 'from'], message, code: 'config.missing' });
  }
  if (rule.when !== undefined && !rule.when.any_group && !rule.when.all_groups) {
    const message = 'expected any_group or all_groups: a privileged role needs an exact group name';
    findings.push({ path: [...path, 'when'], message, code: 'config.missing' });
  }
  for (const key of ['any_group', 'all_groups'] as const) {
    findings.push(...patternsIn(rule, path, key, PRIVILEGED_REASON));
  }
  return findings;
}

function patternsIn(
  rule: OutlineRule,
  path: KeyPath,
  key: 'any_group' | 'all_groups',
  reason: string,
): Finding[] {
  return (rule.when?.[key] ?? []).flatMap((group, index) =>
    /[*?]/.test(group)
      ? [
          conflict(
            [...path, 'when', key, index],
            `expected an exact group name, received the pattern ${quote(group)}: ${reason}`,
          ),
        ]
      : [],
  );
}

function hasCondition(when: NonNullable<OutlineRule['when']>): boolean {
  const { any_group: any, all_groups: all, attributes } = when;
  const named = typeof attributes === 'object' && attributes !== null;
  // An empty list is refused by the schema already.
  return any !== undefined || all !== undefined || (named && Object.keys(attributes).length > 0);
}

/** One rule without the guard would give the role past the rules that have it. */
function halfPrivilegedRoles({ roles }: Outline): Finding[] {
  return roles.flatMap(({ role, privileged }, index) => {
    const guarded = roles.findIndex((other) => other.role === role && other.privileged === true);
    if (role === undefined || privileged === true || guarded < 0) return [];
    const message = `expected privileged: true in every rule for ${quote(role)}, as in roles.${guarded}: one rule without it would give the role past the guard`;
    return [conflict(['roles', index, 'role'], message)];
  });
}

function faultsOfDefaultRole({ default_role: role, roles }: Outline): Finding[] {
  const guarded = roles.some((rule) => rule.role === role && rule.privileged === true);
  if (role === undefined || !guarded) return [];
  const message = `expected a role that is not privileged, received ${quote(role)}: everybody would get it`;
  return [conflict(['default_role'], message)];
}

function faultsOfProtect(outline: Outline): Finding[] {
  return (outline.protect ?? []).flatMap((entry, index) => {
    const colon = entry.indexOf(':');
    if (colon < 1) return [];
    return unknownConnection(entry.slice(0, colon), ['protect', index], outline);
  });
}

function unknownConnection(id: string, path: KeyPath, { connections }: Outline): Finding[] {
  const known = new Set(connections.flatMap((connection) => connection.id ?? []));
  if (known.has(id) || known.size === 0) return [];
  const message = `expected the id of a connection (${[...known].join(', ')}), received ${quote(id)}`;
  return [{ path, message, code: 'config.unknown_connection' }];
}
