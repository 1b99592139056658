import type { UserId } from '@rollcall/shared/core/ids';
import type { RoleRule } from '@rollcall/shared/core/roles';
import type { EpochMs } from '@rollcall/shared/core/time';
import { createLog } from '@rollcall/shared/telemetry/log';
import type { Directory } from '@rollcall/sweeper/directories/port';
import { DEFAULT_PERCENTS, limitsFor } from '@rollcall/sweeper/reconcile/brake-limits';
import type { ConnectionSweep } from '@rollcall/sweeper/sweep/connection-sweep';
import { runSweep, type SweepTools } from '@rollcall/sweeper/sweep/run-sweep';
import type { SweepResult, SweepSummary } from '@rollcall/sweeper/sweep/summary';
import { ACME, admit, at, noteSignIn, openScene, type Scene } from '../access/people.ts';
import { SimulatedDirectory } from './simulator.ts';

const MINUTE = 60;

export function rule(role: string, group: string, more: Partial<RoleRule> = {}): RoleRule {
  return {
    role,
    privileged: false,
    when: { anyGroup: [group], allGroups: [], attributes: {} },
    from: null,
    source: { file: 'rollcall.yaml', line: 1 },
    ...more,
  };
}

export const RULES: readonly RoleRule[] = [
  rule('analyst', 'analysts'),
  rule('editor', 'editors'),
  rule('admin', 'admins', { privileged: true, from: ['acme'] }),
];

/** A database, a directory and a clock: people sign in, leave, and are swept. */
export interface House extends Scene {
  readonly directory: SimulatedDirectory;
  sweepOf(more?: Partial<ConnectionSweep>): ConnectionSweep;
  sweepTime(minute: number): EpochMs;
  /** Sweeps so many minutes after the beginning. */
  sweep(
    minute: number,
    more?: Partial<ConnectionSweep>,
    tools?: Partial<SweepTools>,
  ): Promise<SweepSummary>;
  tryToSweep(
    minute: number,
    more?: Partial<ConnectionSweep>,
    tools?: Partial<SweepTools>,
  ): Promise<SweepResult>;
  /** Employs people and lets them sign in. */
  hire(names: string[], groups?: string[], minute?: number): Promise<void>;
  idOf(name: string): Promise<UserId>;
  stateOf(name: string): Promise<string>;
  /** State of everybody: `{ ann: 'active', … }`. */
  states(): Promise<Record<string, string>>;
  rolesOf(name: string): Promise<string[]>;
  liveSessions(name: string): Promise<number>;
  auditOf(name: string): Promise<string[]>;
  /** What was logged, parsed. */
  readonly logged: Record<string, unknown>[];
}

/** The sweep of acme, in mode auto, over a directory. */
export function sweepOver(
  directory: Directory,
  more: Partial<ConnectionSweep> = {},
): ConnectionSweep {
  return {
    connectionId: ACME,
    directory,
    mode: 'auto',
    everyMs: 15 * 60_000,
    planExpiresMs: 24 * 60 * 60_000,
    policy: {
      connectionId: ACME,
      confirmAfterMs: 5 * 60_000,
      protectedSubjects: new Set(),
      roles: { mode: 'authoritative', rules: RULES, aliases: new Map(), defaultRole: null },
    },
    limits: limitsFor(DEFAULT_PERCENTS),
    privilegedRoles: new Set(['admin']),
    configuration: 'configuration-1',
    ...more,
  };
}

export async function openHouse(): Promise<House> {
  const scene = await openScene();
  const directory = new SimulatedDirectory();
  const logged: Record<string, unknown>[] = [];
  const log = createLog('debug', { write: (line) => void logged.push(JSON.parse(line)) });
  const { pool, db } = scene;

  const sweepOf: House['sweepOf'] = (more) => sweepOver(directory, more);
  const tryToSweep: House['tryToSweep'] = (minute, more = {}, tools = {}) =>
    runSweep(sweepOf(more), 'schedule', { db, log, clock: () => at(minute * MINUTE), ...tools });
  const one = async <Row extends object>(text: string, name: string): Promise<Row> => {
    const answer = await pool.query<Row>(text, [name]);
    const [row] = answer.rows;
    if (row === undefined) throw new Error(`there is no ${name}`);
    return row;
  };
  return {
    ...scene,
    directory,
    logged,
    sweepOf,
    sweepTime: (minute) => at(minute * MINUTE),
    tryToSweep,
    sweep: async (minute, more, tools) => {
      const result = await tryToSweep(minute, more, tools);
      if (result.kind === 'busy') throw new Error(`busy: ${result.holder}`);
      return result;
    },
    hire: async (names, groups = ['analysts'], minute = 0) => {
      const roles = groups.map((group) => group.replace(/s$/, ''));
      for (const name of names) {
        directory.employ(name, groups);
        await admit(scene, name, roles, minute * MINUTE);
      }
      await noteSignIn(scene, minute * MINUTE);
    },
    idOf: async (name) =>
      (await one<{ id: UserId }>('select id from users where subject = $1', name)).id,
    stateOf: async (name) =>
      (await one<{ state: string }>('select state from users where subject = $1', name)).state,
    states: async () => {
      const { rows } = await pool.query<{ subject: string; state: string }>(
        'select subject, state from users order by subject',
      );
      return Object.fromEntries(rows.map((row) => [row.subject, row.state]));
    },
    rolesOf: async (name) => {
      const { rows } = await pool.query<{ role: string }>(
        'select role from grants join users on id = user_id where subject = $1 order by role',
        [name],
      );
      return rows.map((row) => row.role);
    },
    liveSessions: async (name) => {
      const text = `select count(*) as n from sessions s join users u on u.id = s.user_id
        where u.subject = $1 and s.ended_at is null`;
      return Number((await one<{ n: string }>(text, name)).n);
    },
    auditOf: async (name) => {
      const { rows } = await pool.query<{ kind: string }>(
        `select kind from audit_events a join users u on u.id = a.user_id
          where u.subject = $1 order by a.id`,
        [name],
      );
      return rows.map((row) => row.kind);
    },
  };
}

export function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${String(index).padStart(3, '0')}`);
}
