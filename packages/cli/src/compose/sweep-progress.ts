import { setTimeout as wait } from 'node:timers/promises';
import type { ConnectionId } from '@rollcall/shared/core/ids';
import type { Database } from '@rollcall/shared/db/database';
import { history } from '@rollcall/sweeper/plan/read';
import type { Invocation } from '../invocation.ts';
import { sayProgress } from '../render/sweep-progress.ts';

/** How often a person sees where a sweep stands, in milliseconds. */
const ON_TERMINAL_MS = 500;
/** How often a log does. */
const IN_LOG_MS = 10_000;

/**
 * Runs a sweep or applies a plan, and tells on standard error how far it has come: one
 * line that changes on a terminal, a line now and then elsewhere, nothing with `--json`.
 * What is told is what the run has stored, so it is the same whoever is at it.
 */
export async function withProgress<T>(
  db: Database,
  connectionId: ConnectionId,
  { json, terminal }: Pick<Invocation, 'json' | 'terminal'>,
  work: () => Promise<T>,
): Promise<T> {
  if (json) return work();
  const done = new AbortController();
  const told = tell(db, connectionId, terminal, done.signal);
  try {
    return await work();
  } finally {
    done.abort();
    await told;
  }
}

async function tell(
  db: Database,
  connectionId: ConnectionId,
  terminal: Invocation['terminal'],
  done: AbortSignal,
): Promise<void> {
  const everyMs = terminal.updates === null ? IN_LOG_MS : ON_TERMINAL_MS;
  let last = '';
  while (!done.aborted) {
    await wait(everyMs, undefined, { signal: done, ref: false }).catch(() => undefined);
    if (done.aborted) break;
    // Progress is a courtesy: what fails here fails nothing.
    const line = await readLine(db, connectionId).catch(() => '');
    if (line === '' || line === last) continue;
    last = line;
    if (terminal.updates === null) terminal.complain(line);
    else terminal.updates(line);
  }
  if (last !== '') terminal.updates?.('');
}

async function readLine(db: Database, connectionId: ConnectionId): Promise<string> {
  const [run] = await history(db, { connectionId, limit: 1 });
  return run === undefined || run.activity !== 'running' ? '' : sayProgress(run);
}
