import type { EpochMs } from '@rollcall/shared/core/time';
import type { PurgeCounts, PurgeLine, PurgePlan } from '@rollcall/shared/purge/purge-plan';
import type { Colors } from '../terminal.ts';
import { sayOutcome } from './line-outcome.ts';
import { type Cell, renderTable } from './table.ts';
import { sayDuration, sayWhen, toIso } from './when.ts';

/** A page of a purge plan. */
export interface ShownPurge {
  readonly plan: PurgePlan;
  readonly lines: readonly PurgeLine[];
  /** After which line the next page begins; null where this is the last. */
  readonly next: number | null;
  readonly counts: PurgeCounts;
}

/** What goes, and what stays, of everybody whom a plan names. */
const GOES =
  'names, e-mail, subject, directory id, groups, attributes, roles, sessions, look-ups, person link, SCIM resource';
const STAYS = 'the audit trail and plans as they were written, the id, a tombstone';

/** For people, like a diff: one line each, the summary last. */
export function renderPurge(shown: ShownPurge, now: EpochMs, colors: Colors): string {
  const { plan, lines, next } = shown;
  const name = plan.digest.slice(0, 12);
  const rows = lines.map((line): (Cell | string)[] => [
    { text: line.outcome === 'skipped' ? '!' : '-', paint: colors.red },
    { text: line.label, paint: colors.red },
    line.connectionId,
    `no access since ${sayWhen(line.endedAt, now)}${line.cause === null ? '' : `, by ${line.cause}`}`,
    line.outcome === 'skipped' ? `skipped: ${sayOutcome(line.outcomeWhy)}` : (line.outcome ?? ''),
  ]);
  const table = renderTable(rows)
    .split('\n')
    .map((line) => `  ${line}`);
  const more =
    next === null ? [] : ['', `  More: rollcall users purge show ${name} --after ${next}`];
  return [
    renderTable([
      ['Goes', GOES],
      ['Stays', STAYS],
    ]),
    '',
    ...table,
    ...more,
    '',
    ...summary(shown, now, colors),
  ].join('\n');
}

function summary({ plan, counts }: ShownPurge, now: EpochMs, colors: Colors): string[] {
  const name = plan.digest.slice(0, 12);
  const open = counts.lines - counts.purged - counts.skipped;
  const parts = [
    [open, 'to purge'],
    [counts.purged, 'purged'],
    [counts.skipped, 'skipped'],
  ] as const;
  const said = parts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`);
  const head = `${colors.bold(`Purge plan ${name}`)}: ${said.join(', ')}`;
  if (open === 0) return [head];
  const begun = open < counts.lines;
  if (!begun && plan.expiresAt < now) return [head, 'It has expired: make a new one.'];
  const when = begun ? 'Go on with' : `Apply within ${sayDuration(plan.expiresAt - now)}`;
  return [head, `${when}: rollcall users purge apply ${name} --reason "…"`];
}

/** For programs. */
export function purgeToJson({ plan, lines, next, counts }: ShownPurge): Record<string, unknown> {
  return {
    plan: {
      digest: plan.digest,
      made_by: plan.madeBy,
      created_at: toIso(plan.createdAt),
      expires_at: toIso(plan.expiresAt),
      applied_at: plan.appliedAt === null ? null : toIso(plan.appliedAt),
      ...counts,
    },
    lines: lines.map(({ seq, userId, label, connectionId, cause, endedAt, ...line }) => ({
      seq,
      user: userId,
      label,
      connection: connectionId,
      cause,
      ended_at: toIso(endedAt),
      outcome: line.outcome,
      outcome_why: line.outcomeWhy,
    })),
    next,
  };
}
