import { BREAKS } from '../../test/campaign/breaks.ts';
import type { Found } from '../../test/campaign/hunt.ts';
import { sorted, type Totals } from '../../test/campaign/report.ts';
import type { Table } from '../frame/table.ts';

/** What each promise was held against, by the beginning of what was counted. */
const CHECKED: readonly (readonly [string, string, string])[] = [
  ['evidence', 'people removed without evidence', 'checked removal'],
  ['no_leaver_left', 'leavers left past two healthy sweeps', 'checked leaver at the end'],
  ['same_end', 'people who ended without what is theirs', 'checked person at the end'],
  ['trail', 'gaps in audit or outbox', 'checked change of access'],
  ['undo', 'undos that differ from what was', 'checked undo'],
  ['brake', 'more taken without approval than the limits allow', 'checked removal'],
  ['left_alone', 'protected, foreign or last admins touched', 'checked change of access'],
  ['cause', 'let in by another than who shut out', 'checked change of access'],
  ['sessions', 'live sessions of people without access', 'checked change of access'],
  ['roles', 'roles against what the directory named', 'checked change of roles'],
  ['fence', 'writes without the lease', 'checked write with a lease'],
  ['alive', 'thrown what is no refusal, or stuck', 'sweep '],
];

/** All that a campaign counted. */
export function tablesOf(totals: Totals, found: ReadonlyMap<string, Found>): readonly Table[] {
  const of = (...kinds: readonly string[]) =>
    sorted(totals.counts).filter(([name]) => kinds.some((kind) => name.startsWith(`${kind} `)));
  return [
    promises(totals),
    breaks(found),
    table(
      'What was wrong',
      'Sweeps with each fault, and what happened to processes and jobs.',
      of('fault', 'trouble', 'job', 'meanwhile'),
    ),
    table('What people did', '', of('life', 'act', 'operator')),
    table('How sweeps ended', '', of('sweep', 'tend', 'only planned', 'held', 'plan')),
    table('What was decided', 'About each person in each sweep.', of('decision')),
    table(
      'What became of lines',
      'Each line of each plan: decision, reason, outcome.',
      of('line', 'undo'),
    ),
    table(
      'What the oracle saw',
      'Rows of the audit by kind, actor and reason; each was held against the rows of the tables.',
      of('audit', 'approved', 'undone'),
    ),
    table(
      'What no outsider could have told from the truth',
      'Taken or given on false answers in which listing and look-ups agreed: held to the limits of the brake, and taken back by the healthy end.',
      sorted(totals.residues),
    ),
  ];
}

function promises(totals: Totals): Table {
  const count = (beginning: string): number =>
    [...totals.counts].reduce((sum, [name, n]) => sum + (name.startsWith(beginning) ? n : 0), 0);
  return {
    title: 'What was promised',
    about: 'How often each promise was held against what happened, and how often it was broken.',
    head: ['promise', 'checked', 'broken'],
    rows: CHECKED.map(([promise, what, checked]) => [
      `${promise}: ${what}`,
      count(checked).toLocaleString('en'),
      String(totals.broken.get(promise) ?? 0),
    ]),
  };
}

function breaks(found: ReadonlyMap<string, Found>): Table {
  return {
    title: 'What was broken on purpose',
    about: 'Seeds from 1 on with one thing broken in the product: the first that found it.',
    head: ['broken', 'by the promise', 'found at seed'],
    rows: BREAKS.map(({ name, about }) => [
      `${name}: ${about}`,
      found.get(name)?.promise ?? '',
      found.get(name)?.seed ?? 'NEVER',
    ]),
  };
}

function table(title: string, about: string, rows: readonly (readonly [string, number])[]): Table {
  return {
    title,
    about,
    head: ['what', 'times'],
    rows: rows.map(([name, count]) => [name, count.toLocaleString('en')]),
  };
}
