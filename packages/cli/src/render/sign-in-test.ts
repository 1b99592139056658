import type { SignInTestReport, StepState } from '@rollcall/shared/explanation/sign-in-test';
import type { Colors } from '../terminal.ts';
import { printable } from './printable.ts';
import { missSentence } from './role-lines.ts';
import { type Cell, renderTable } from './table.ts';

type Row = readonly (string | Cell)[];

const MARKS: Readonly<Record<StepState, string>> = { passed: '✓', failed: '✗', 'not reached': '·' };

/** What a test sign-in showed, for people: steps, then attributes → profile → roles. */
export function renderSignInTest(
  report: SignInTestReport,
  advice: string | null,
  colors: Colors,
): string {
  const { failure, seen } = report;
  const verdict = report.ok
    ? colors.green('This sign-in would be let in')
    : colors.red('This sign-in would be refused');
  const paint = { passed: colors.green, failed: colors.red, 'not reached': colors.dim };
  const steps = report.steps.map(({ step, state }) => [
    { text: MARKS[state], paint: paint[state] },
    step,
  ]);
  return [
    `${verdict}  (test of ${report.connection}, reference ${report.reference})`,
    ...block('Steps', steps, colors),
    ...(failure === null
      ? []
      : block(
          'What is wrong',
          [
            ['code', failure.code],
            ['expected', said(failure.expected)],
            ['received', said(failure.received)],
            ['advice', advice ?? 'none'],
          ],
          colors,
        )),
    ...(seen === null ? [] : seenLines(seen, colors)),
  ].join('\n');
}

function seenLines(seen: NonNullable<SignInTestReport['seen']>, colors: Colors): string[] {
  const attributes = seen.attributes.map(({ name, values, more }) => [
    name,
    `${values.join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
  ]);
  const profile = Object.entries(seen.profile).map(([name, value]) => [name, value ?? 'none']);
  return [
    ...block('Attributes', [['NameID', seen.nameId.value], ...attributes], colors),
    ...block('Profile', [['subject', seen.subject ?? 'none'], ...profile], colors),
    ...block('Roles', roleRows(seen, colors), colors),
    '',
    printable(
      `  Known here: ${seen.knownUser ?? 'no'}. Our clock less theirs, with the way of the browser: ${seen.clockDifferenceMs} ms.`,
    ),
  ];
}

function roleRows(seen: NonNullable<SignInTestReport['seen']>, colors: Colors): Row[] {
  const { mapping, roles } = seen;
  const after: Row = ['', 'afterwards', roles?.roles.join(', ') || 'no role'];
  if (mapping === null) return [after];
  if (mapping.kind === 'unknown') return [after, ['', 'groups', 'not known, which is not none']];
  const given = mapping.because.map(
    (one): Row => [
      { text: '✓', paint: colors.green },
      one.role,
      `← ${[...one.groups, ...one.attributes].join(', ')}  (${one.rule.file}:${one.rule.line})`,
    ],
  );
  const missed = mapping.missed.map(
    (miss): Row => [{ text: '✗', paint: colors.red }, miss.role, missSentence(miss)],
  );
  const unmatched: Row = ['', 'groups of no rule', mapping.unmatched.join(', ') || 'none'];
  return [...given, ...missed, unmatched, after];
}

function block(title: string, rows: Row[], colors: Colors): string[] {
  const lines = renderTable(rows).split('\n');
  return ['', `  ${colors.dim(title)}`, ...lines.map((line) => `  ${line}`)];
}

function said(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
