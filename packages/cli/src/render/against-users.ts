import { labelOf } from '@rollcall/shared/core/user';
import type { AgainstUsers, ChangedUser } from '../queries/against-users.ts';
import { keyOf } from '../queries/user-named.ts';
import type { Colors } from '../terminal.ts';
import { renderTable } from './table.ts';

/** What a change of rules does, for people: the counts, then who. */
export function renderAgainstUsers(report: AgainstUsers, compared: string, colors: Colors): string {
  const { users, changed, roles, changes } = report;
  const head = `${users} users with access, compared with ${compared}`;
  const counts = sentencesOf(report).map((line) => `  ${line}`);
  const holders = roles
    .filter((one) => one.before !== one.after)
    .map((one) => [
      one.role,
      `${one.before} → ${one.after}`,
      one.privileged ? { text: 'privileged', paint: colors.yellow } : '',
    ]);
  const rows = changes.map((change) => [
    { text: change.left ? '-' : '~', paint: change.left ? colors.red : colors.yellow },
    labelOf(change.user),
    signsOf(change),
    remarkOf(change),
  ]);
  const more = changed - changes.length;
  return [
    head,
    ...counts,
    ...(holders.length === 0 ? [] : ['', ...indent(renderTable(holders))]),
    ...(rows.length === 0 ? [] : ['', ...indent(renderTable(rows))]),
    ...(more > 0 ? ['', `  … and ${more} more: --limit shows more of them`] : []),
  ].join('\n');
}

function sentencesOf(report: AgainstUsers): readonly string[] {
  const lines: [number, string][] = [
    [report.gainingPrivileged, 'would gain a privileged role'],
    [report.losingLast, 'would lose the last role, and be refused'],
    [report.losing, 'would lose a role'],
    [report.gaining, 'would gain a role'],
    [report.unconfigured, 'belong to a connection that the configuration does not have'],
    [report.groupsUnknown, 'have groups that are not known: nothing changes for them'],
  ];
  const told = lines.filter(([count]) => count > 0).map(([count, text]) => `${count} ${text}`);
  return report.changed === 0 ? ['nothing would change', ...told] : told;
}

function signsOf({ lose, gain }: ChangedUser): string {
  return [...lose.map((role) => `-${role}`), ...gain.map((role) => `+${role}`)].join(' ');
}

function remarkOf({ privileged, left }: ChangedUser): string {
  if (privileged.length > 0) return `gains the privileged ${privileged.join(', ')}`;
  return left ? 'no role left' : '';
}

function indent(block: string): string[] {
  return block.split('\n').map((line) => `  ${line}`);
}

/** The same for programs. */
export function againstUsersToJson(
  report: AgainstUsers,
  compared: string,
): Record<string, unknown> {
  return {
    compared_with: compared,
    users: report.users,
    changed: report.changed,
    gaining_privileged: report.gainingPrivileged,
    losing_last: report.losingLast,
    losing: report.losing,
    gaining: report.gaining,
    unconfigured: report.unconfigured,
    groups_unknown: report.groupsUnknown,
    roles: report.roles,
    changes: report.changes.map(({ user, gain, lose, privileged, left }) => {
      return { user: keyOf(user), id: user.id, gain, lose, privileged, no_role_left: left };
    }),
    truncated: report.changes.length < report.changed,
  };
}
