import { setTimeout as wait } from 'node:timers/promises';
import type { ConnectionId } from '@rollcall/shared/core/ids';
import { printableJson } from '@rollcall/shared/core/printable';
import type { Database } from '@rollcall/shared/db/database';
import type { PlanHead } from '@rollcall/sweeper/plan/plan-head';
import { history } from '@rollcall/sweeper/plan/read';
import { countTakenBack } from '@rollcall/sweeper/plan/undo-progress';
import type { Invocation } from '../invocation.ts';
import { type Progress, progressToJson, sayProgress } from '../render/sweep-progress.ts';

/** How often a person sees where it stands, in milliseconds. */
const ON_TERMINAL_MS = 500;
/** How often a program does: as often as a run stores it. */
const FOR_PROGRAMS_MS = 1_000;
/** How often a log does. */
const IN_LOG_MS = 10_000;

/** Where to ask how far something has come. */
export interface ProgressSource {
  readonly connectionId: ConnectionId;
  /** Null where nothing is under way, or it has not said. */
  readonly read: () => Promise<Progress | null>;
}

/** The newest run of a connection: what is told is what it has stored, whoever is at it. */
export function progressOfSweep(db: Database, connectionId: ConnectionId): ProgressSource {
  return {
    connectionId,
    read: async () => {
      const [run] = await history(db, { connectionId, limit: 1 });
      return run === undefined || run.activity !== 'running' ? null : run;
    },
  };
}

/** A plan that is being taken back, by its lines. */
export function progressOfUndo(
  db: Database,
  { runId, connectionId }: Pick<PlanHead, 'runId' | 'connectionId'>,
): ProgressSource {
  return {
    connectionId,
    read: async () => {
      const { done, all } = await countTakenBack(db, runId);
      return { step: 'undoing', progress: { lines: done, of_lines: all } };
    },
  };
}

/**
 * Does work that takes time, and tells on standard error how far it has come: one line that
 * changes on a terminal, a line now and then elsewhere, a JSON document a line with `--json`.
 */
export async function withProgress<T>(
  source: ProgressSource,
  { json, terminal }: Pick<Invocation, 'json' | 'terminal'>,
  work: () => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const told = tell(
    source,
    json ? forPrograms(source, terminal) : forPeople(terminal),
    done.signal,
  );
  try {
    return await work();
  } finally {
    done.abort();
    await told;
  }
}

/** How progress is told. */
interface Teller {
  readonly everyMs: number;
  /** Empty where there is nothing to say. */
  say(progress: Progress): string;
  write(line: string): void;
  /** Takes away what would be in the way of the result. */
  end(): void;
}

function forPeople({ updates, complain }: Invocation['terminal']): Teller {
  const say = sayProgress;
  if (updates === null) {
    return { everyMs: IN_LOG_MS, say, write: complain, end: () => undefined };
  }
  return { everyMs: ON_TERMINAL_MS, say, write: updates, end: () => updates('') };
}

function forPrograms({ connectionId }: ProgressSource, terminal: Invocation['terminal']): Teller {
  return {
    everyMs: FOR_PROGRAMS_MS,
    say: (progress) =>
      progress.step === null ? '' : printableJson(progressToJson(connectionId, progress)),
    write: terminal.complain,
    end: () => undefined,
  };
}

async function tell(source: ProgressSource, teller: Teller, done: AbortSignal): Promise<void> {
  let last = '';
  while (!done.aborted) {
    await wait(teller.everyMs, undefined, { signal: done, ref: false }).catch(() => undefined);
    if (done.aborted) break;
    // Progress is a courtesy: what fails here fails nothing.
    const progress = await source.read().catch(() => null);
    const line = progress === null ? '' : teller.say(progress);
    if (line === '' || line === last) continue;
    last = line;
    teller.write(line);
  }
  if (last !== '') teller.end();
}
