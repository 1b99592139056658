import type { EpochMs } from '@rollcall/shared/core/time';
import type { SweepRecord } from '@rollcall/sweeper/plan/read';
import { shortDigest } from '../queries/plan-named.ts';
import type { Colors } from '../terminal.ts';
import { sayProgress } from './sweep-progress.ts';
import { type Cell, renderTable } from './table.ts';
import { sayDuration, sayWhen, toIso } from './when.ts';

/** Sweeps for people, newest first. */
export function renderHistory(
  records: readonly SweepRecord[],
  now: EpochMs,
  colors: Colors,
  filtered = false,
): string {
  if (records.length === 0) return filtered ? 'No such sweeps.' : 'No sweeps yet.';
  const head = ['WHEN', 'CONNECTION', 'TRIGGER', 'RESULT', 'TOOK', 'LISTED', 'CHANGES', 'PLAN', ''];
  const rows = records.map((record) => [
    sayWhen(record.startedAt, now),
    record.connectionId,
    record.trigger,
    resultCell(record, colors),
    record.finishedAt === null ? '-' : sayDuration(record.finishedAt - record.startedAt),
    record.rows === null ? '-' : String(record.rows),
    sayCounts(record.counts),
    record.planDigest === null ? '-' : shortDigest(record.planDigest),
    { text: sayWhy(record), paint: colors.dim },
  ]);
  return renderTable([head.map((text) => ({ text, paint: colors.dim })), ...rows]);
}

/** What became of its plan, where that is more than what became of the run. */
const ENDS: readonly (string | null)[] = ['undone', 'rejected', 'superseded', 'expired'];

function resultCell({ state, planState }: SweepRecord, colors: Colors): Cell {
  if (planState !== null && ENDS.includes(planState)) {
    return { text: planState, paint: planState === 'undone' ? colors.yellow : colors.dim };
  }
  if (state === 'failed' || state === 'held') return { text: state, paint: colors.red };
  if (state === 'incomplete' || state === 'planned') return { text: state, paint: colors.yellow };
  return { text: state, paint: colors.green };
}

/** Decisions in words, where the code is none. */
const KINDS: Readonly<Record<string, string>> = { change_roles: 'change roles', refuse: 'skipped' };

/** People who stay as they are go without saying. */
function sayCounts(counts: SweepRecord['counts']): string {
  const sums = new Map<string, number>();
  for (const [name, number] of Object.entries(counts)) {
    const kind = name.split(' ')[0] ?? name;
    if (kind !== 'keep') sums.set(kind, (sums.get(kind) ?? 0) + number);
  }
  return [...sums].map(([kind, number]) => `${number} ${KINDS[kind] ?? kind}`).join(', ') || 'none';
}

const PLAN_ONLY: Readonly<Record<string, string>> = {
  first_sweep: 'only planned: the first sweep',
  configuration_changed: 'only planned: the configuration has changed',
  directory_changed: 'only planned: the directory has changed',
  undone: 'only planned: a plan was taken back, and nobody has approved one since',
  mode_observe: 'only planned: mode observe',
  operator_asked: 'only planned: somebody asked for a plan',
};

function sayWhy(record: SweepRecord): string {
  const { explanation, code, planOnlyBecause, state, planState, activity } = record;
  if (activity === 'running') return sayProgress(record);
  if (activity === 'left') return 'left by its worker: the next one goes on, or begins anew';
  if (explanation !== null) return `${explanation} (${code ?? state})`;
  // Its own lines are settled, although a person never saw to them.
  if ((state === 'held' || state === 'planned') && planState === 'applied') {
    return 'the same was waiting already, in an earlier plan';
  }
  if (planOnlyBecause === null) return '';
  return PLAN_ONLY[planOnlyBecause] ?? planOnlyBecause;
}

/** Sweeps for programs. */
export function historyToJson(records: readonly SweepRecord[]): Record<string, unknown> {
  return {
    sweeps: records.map((record) => ({
      run: record.runId,
      connection: record.connectionId,
      trigger: record.trigger,
      state: record.state,
      started_at: toIso(record.startedAt),
      finished_at: toIso(record.finishedAt),
      listing: record.snapshot,
      rows: record.rows,
      code: record.code,
      explanation: record.explanation,
      plan_only_because: record.planOnlyBecause,
      plan: record.planDigest,
      plan_state: record.planState,
      counts: record.counts,
      step: record.step,
      progress: record.progress,
      activity: record.activity,
    })),
  };
}
