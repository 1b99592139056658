import type { GroupsUnknown, RoleMiss } from '@rollcall/shared/core/roles';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Grant, GrantReason, User } from '@rollcall/shared/core/user';
import type { Explanation } from '@rollcall/shared/explanation/explain-user';
import type { Colors } from '../terminal.ts';
import { printable } from './printable.ts';
import { renderTable } from './table.ts';
import { sayWhen } from './when.ts';

/** Roles that are held, then rules that gave nothing, then what no rule names. */
export function roleLines(explanation: Explanation, now: EpochMs, colors: Colors): string[] {
  const { user, grants, mapping, next } = explanation;
  const given: ReadonlySet<string> = new Set(mapping.kind === 'known' ? mapping.roles : []);
  const held = new Set(grants.map((grant) => grant.role));
  const rows = grants.map((grant) => [
    { text: '✓', paint: colors.green },
    grant.role,
    `${grantSentence(grant, now)}${isOutdated(grant, explanation) ? '; the rules of today would not give it' : ''}`,
  ]);
  rows.push(
    ...next.gain.map((role) => [
      { text: '+', paint: colors.yellow },
      role,
      'the rules give it now: it comes with the next sign-in or sweep',
    ]),
  );
  const missed = mapping.kind === 'known' ? mapping.missed : [];
  rows.push(
    ...missed
      .filter((miss) => !held.has(miss.role) || !given.has(miss.role))
      .map((miss) => [{ text: '✗', paint: colors.red }, miss.role, missSentence(miss)]),
  );
  const table = rows.length === 0 ? ['no roles, and no rules'] : renderTable(rows).split('\n');
  return [
    ...headOfRoles(user, grants.length, colors),
    ...table.map((line) => `  ${line}`),
    ...nextLines(explanation),
    ...groupLines(explanation).map(printable),
  ];
}

function isOutdated(grant: Grant, { user, mapping }: Explanation): boolean {
  const ours = grant.channel === 'roll' && grant.connectionId === user.connectionId;
  return ours && mapping.kind === 'known' && !mapping.roles.includes(grant.role);
}

function headOfRoles(user: User, count: number, colors: Colors): string[] {
  const kept = user.cause !== null && count > 0;
  return [`  ${colors.dim(kept ? 'Roles, kept for the case of a return' : 'Roles')}`];
}

/** From where a grant comes, by which rule, and when that was seen. */
export function grantSentence(grant: Grant, now: EpochMs): string {
  const seen = `${SEEN[grant.seenIn]} ${sayWhen(grant.lastSeenAt, now)}`;
  const reasons = grant.because.map((reason) => {
    const from = sourcesOf(reason).join(' and ') || 'nothing';
    return `${from}  (${reason.file}:${reason.line}, ${seen})`;
  });
  const why = reasons.length === 0 ? `the default role  (${seen})` : reasons.join('; ');
  return `← ${why}`;
}

function sourcesOf(reason: GrantReason): readonly string[] {
  const aliases = new Map((reason.aliases ?? []).map(({ group, alias }) => [group, alias]));
  const values = new Map((reason.values ?? []).map((one) => [one.attribute, one.values]));
  const more = reason.more ?? 0;
  return [
    ...reason.groups.map((group) => `group ${withAlias(group, aliases.get(group))}`),
    ...(more > 0 ? [`${more} more groups`] : []),
    ...reason.attributes.map((name) => {
      const matched = values.get(name);
      return matched === undefined
        ? `attribute ${name}`
        : `attribute ${name} = ${matched.join(', ')}`;
    }),
  ];
}

function withAlias(group: string, alias: string | undefined): string {
  return alias === undefined ? group : `${alias} (${group})`;
}

const SEEN = {
  assertion: 'in an assertion',
  directory: 'in the directory',
  scim: 'by SCIM',
  manual: 'by hand',
} as const;

/** Why a rule gave nothing, in words. */
export function missSentence(miss: RoleMiss): string {
  const place = `(${miss.rule.file}:${miss.rule.line})`;
  const wanted = miss.wanted.join(', ');
  switch (miss.because) {
    case 'other_connection':
      return `only from ${wanted || 'a connection that the rule names'}  ${place}`;
    case 'no_group_matched':
      return `${miss.wanted.length === 1 ? 'not in group' : 'in none of the groups'} ${wanted}  ${place}`;
    case 'group_missing':
      return `not in ${wanted}  ${place}`;
    case 'attribute_mismatch':
      return `attribute ${wanted} has none of the values wanted  ${place}`;
    case 'groups_unknown':
      return `the groups are not known  ${place}`;
    default:
      return miss.because satisfies never;
  }
}

/** What the next sign-in would change; nothing where it would change nothing. */
function nextLines({ user, next, connectionConfigured }: Explanation): string[] {
  if (!connectionConfigured || next.gain.length + next.lose.length === 0) return [];
  const changes = [...next.lose.map((role) => `-${role}`), ...next.gain.map((role) => `+${role}`)];
  const end = next.roles.length === 0 ? ', and be refused: no role would be left' : '';
  const when = user.cause === null ? 'The next sign-in would change' : 'A return would change';
  return [`  ${when} ${changes.join(' ')}${end}.`];
}

const UNKNOWN: Readonly<Record<GroupsUnknown, string>> = {
  groups_missing: 'The last sign-in brought no groups',
  groups_overflow:
    'The last sign-in brought a link in place of the groups, because there are too many',
};

function groupLines({ mapping, user, groupsUnknown, aliases }: Explanation): string[] {
  const lines =
    groupsUnknown === null
      ? []
      : [`  ${UNKNOWN[groupsUnknown]}: that is not none, and no role changed.`];
  if (mapping.kind === 'unknown') {
    if (groupsUnknown !== null) return lines;
    return ['  The groups are not known, which is not the same as none: no role changes.'];
  }
  if (user.groups?.length === 0) return [...lines, '  In no groups.'];
  if (mapping.unmatched.length === 0) return lines;
  const named = new Map(aliases.map(({ group, alias }) => [group, alias]));
  const unmatched = mapping.unmatched.map((group) => withAlias(group, named.get(group)));
  return [...lines, `  Groups that no rule names: ${unmatched.join(', ')}`];
}
