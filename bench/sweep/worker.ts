// One step of the measurement in a process of its own, so that its memory is its own:
// told over the channel of `fork` what to do ({@link Task}), it answers with {@link Done}.

import { validateConfig } from '@rollcall/shared/config/load';
import type { Config } from '@rollcall/shared/config/types';
import { toEpochMs } from '@rollcall/shared/core/time';
import { openPool, overPool } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { createLog } from '@rollcall/shared/telemetry/log';
import { applyPlan } from '@rollcall/sweeper/plan/apply-plan';
import { undoPlan } from '@rollcall/sweeper/plan/undo-plan';
import { connectionSweep } from '@rollcall/sweeper/sweep/connection-sweep';
import { runSweep } from '@rollcall/sweeper/sweep/run-sweep';
import { ROLE_RULES } from './people.ts';

/** What a worker is to do. */
export interface Task {
  readonly step: 'fetch' | 'stream' | 'sweep' | 'apply' | 'undo';
  readonly databaseUrl: string;
  readonly directoryUrl: string;
  readonly pageSize: number;
  /** How far the worker's clock is ahead, in minutes. */
  readonly minutes: number;
  /** The plan to apply or undo. */
  readonly plan?: string;
  /** False: without the options that keep the process small. */
  readonly leanly?: boolean;
}

/** How it went. */
export interface Done {
  /** Of the step alone, without the start of the process, in milliseconds. */
  readonly ms: number;
  /** Of the process, all its threads together, during the step, in milliseconds. */
  readonly cpuMs: number;
  /** The most that the process ever had resident, its start included, in bytes. */
  readonly peakBytes: number;
  readonly result: Readonly<Record<string, unknown>>;
}

const TOKEN = 'only-for-measuring';
const ENV = { SESSION_KEY: 'a session key that is only for measuring, 0123456789', TOKEN };

function configOf({ directoryUrl, pageSize }: Task): Config {
  return validateConfig({
    version: 1,
    public_url: 'https://auth.example.com',
    session: { keys: ['env:SESSION_KEY'] },
    connections: [
      {
        id: 'acme',
        idp: { metadata_url: 'https://idp.example/metadata' },
        subject: { attribute: 'uid' },
        attributes: { email: 'email', groups: ['groups'] },
        directory: { type: 'scim', url: directoryUrl, token: 'env:TOKEN', page_size: pageSize },
        sweep: { every: '15m', mode: 'approve' },
      },
    ],
    roles: ROLE_RULES,
  });
}

async function perform(task: Task): Promise<Readonly<Record<string, unknown>>> {
  const sweep = connectionSweep(configOf(task), 'acme', ENV);
  const { signal } = new AbortController();
  if (task.step === 'fetch') return fetchPages(task);
  if (task.step === 'stream') {
    let rows = 0;
    for await (const page of sweep.directory.list(signal)) rows += page.members.length;
    return { rows };
  }
  const pool = openPool(task.databaseUrl);
  const db = overPool(pool);
  const clock = () => toEpochMs(currentTime() + task.minutes * 60_000);
  try {
    const operator = { plan: task.plan ?? '', operator: 'bench', clock };
    if (task.step === 'apply') return { ...(await applyPlan({ db, sweep, ...operator })) };
    if (task.step === 'undo') {
      const { privilegedRoles } = sweep;
      return { ...(await undoPlan({ db, privilegedRoles, reason: 'measured', ...operator })) };
    }
    return { ...(await runSweep(sweep, 'schedule', { db, log: createLog('silent'), clock })) };
  } finally {
    await pool.end();
  }
}

/** The least that anybody has to do to see the pages: receive and parse them, one after another. */
async function fetchPages({ directoryUrl, pageSize }: Task): Promise<{ rows: number }> {
  let rows = 0;
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const url: string = `${directoryUrl}/Users?count=${pageSize}&cursor=${cursor}`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${TOKEN}` } });
    const page = (await response.json()) as { Resources: unknown[]; nextCursor?: string };
    rows += page.Resources.length;
    cursor = page.nextCursor;
  }
  return { rows };
}

process.once('disconnect', () => process.exit());
process.once('message', async (task: Task) => {
  const [start, before] = [performance.now(), process.cpuUsage()];
  const result = await perform(task);
  const [ms, { user, system }] = [performance.now() - start, process.cpuUsage(before)];
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  const done: Done = { ms, cpuMs: (user + system) / 1000, peakBytes, result };
  process.send?.(done, () => process.disconnect());
});
