import { apply } from '@rollcall/shared/access/apply';
import { applyToPerson } from '@rollcall/shared/access/person-state';
import type { Actor } from '@rollcall/shared/core/actor';
import { AppError } from '@rollcall/shared/core/errors';
import type { UserId } from '@rollcall/shared/core/ids';
import { addSignIns } from '@rollcall/shared/db/connection-sign-ins';
import { registerConnection } from '@rollcall/shared/db/connections';
import { inTransaction } from '@rollcall/shared/db/database';
import type { Job } from '@rollcall/shared/queue/job';
import type { Log } from '@rollcall/shared/telemetry/log';
import type { Directory } from '@rollcall/sweeper/directories/port';
import { SWEEP_JOB } from '@rollcall/sweeper/jobs/payload';
import { workOnSweep } from '@rollcall/sweeper/jobs/work';
import { applyPlan } from '@rollcall/sweeper/plan/apply-plan';
import { approveListing } from '@rollcall/sweeper/plan/approve-listing';
import { approvePlan } from '@rollcall/sweeper/plan/approve-plan';
import { undoPlan } from '@rollcall/sweeper/plan/undo-plan';
import { DEFAULT_PERCENTS, limitsFor } from '@rollcall/sweeper/reconcile/brake-limits';
import type { ConnectionSweep } from '@rollcall/sweeper/sweep/connection-sweep';
import { planSweep } from '@rollcall/sweeper/sweep/plan-sweep';
import { Hearing, overheard } from './answers.ts';
import type { CampaignDatabase } from './campaign-database.ts';
import type { Fault } from './faults.ts';
import { Killed, Process, type Role, type Trouble } from './gate.ts';
import { FaultyQueue } from './job-queue.ts';
import { readLedger } from './ledger.ts';
import { Oracle, type Violation, type Writer } from './oracle/oracle.ts';
import { Random } from './random.ts';
import { openScimDirectory } from './scim-server.ts';
import { RULES, signInOf } from './sign-in-act.ts';
import { FaultyView, SimulatedDirectory } from './simulated-directory.ts';
import { themeOf } from './theme.ts';
import { DAY, MINUTE, SECOND, VirtualTime } from './virtual-time.ts';
import {
  CONFIRM_AFTER,
  type Company,
  makeWorld,
  type Person,
  PRIVILEGED,
  standingAt,
  type World,
} from './world.ts';

/** How one sweep goes wrong. */
export interface SweepOptions {
  readonly trigger?: 'schedule' | 'confirmation' | 'operator';
  readonly faults?: readonly Fault[];
  readonly troubles?: readonly Trouble[];
  readonly planOnly?: boolean;
  /** The job that asks for it, where one waited in the queue. */
  readonly job?: Job;
}

/** What a person at the command line asks for. */
export type OperatorWish = 'approve' | 'approve_stale' | 'apply' | 'undo' | 'accept_listing';

/** One run of the campaign: companies, their directories, our processes, time, and the oracle. */
export class Simulation {
  readonly time = new VirtualTime();
  readonly world: World;
  readonly oracle: Oracle;
  readonly hearings: Hearing[] = [];
  readonly history: string[] = [];
  readonly counts = new Map<string, number>();
  readonly queue: FaultyQueue;
  sweeps = 0;
  readonly #database: CampaignDatabase;
  readonly #random: Random;
  readonly #approved = new Set<string>();
  readonly #signIns = new Map<string, number>();
  readonly #acceptedSizes = new Map<string, number>();
  readonly #crashedAt = new Map<string, number>();
  #ledger: number;
  #order = 0;
  #processes = 0;

  constructor(seed: string, database: CampaignDatabase) {
    this.#database = database;
    this.#ledger = database.ledgerBegin;
    this.#random = new Random(`${seed} ids`);
    this.world = makeWorld(new Random(`${seed} world`), this.time.now, themeOf(seed) === 'exodus');
    this.queue = new FaultyQueue(
      new Random(`${seed} jobs`),
      () => this.time.now,
      (name) => this.count(name),
    );
    const company = (id: string): Company => {
      const one = this.world.companies.find((each) => each.id === id);
      if (one === undefined) throw new RangeError(`there is no ${id}`);
      return one;
    };
    this.oracle = new Oracle({
      confirmAfterMs: CONFIRM_AFTER,
      missesOf: (id) => company(id).misses,
      standingAt: (id, when) => {
        const person = this.personOf(id);
        return person === undefined ? 'gone' : standingAt(person, when);
      },
      percentsOf: (id) => company(id).percents,
      rolesModeOf: (id) => company(id).rolesMode,
      modeOf: (id) => company(id).mode,
      isProtected: (subject) => this.personOf(subject)?.protected === true,
      hearings: this.hearings,
      approved: this.#approved,
      signIns: this.#signIns,
      acceptedSizes: this.#acceptedSizes,
    });
  }

  get violations(): readonly Violation[] {
    return this.oracle.violations;
  }

  personOf(subject: string): Person | undefined {
    for (const { people } of this.world.companies) {
      const person = people.get(subject);
      if (person !== undefined) return person;
    }
    return undefined;
  }

  count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  tell(line: string): void {
    const at = new Date(this.time.now).toISOString().slice(5, 19);
    this.history.push(`${at} ${line}`);
  }

  /** The connections, and everybody's first sign-in. */
  async begin(): Promise<void> {
    for (const company of this.world.companies) {
      const door = this.#process('door', 'door');
      await registerConnection(
        door.db,
        company.id,
        `https://${company.id}.example`,
        this.time.ours(),
      );
      const first = [...company.people.values()].filter((person) => person.signsIn);
      await this.#admit(company, first, door);
      for (const person of first) if (person.owner !== 'roll') await this.#giveTo(company, person);
      this.tell(
        `${company.id}: ${company.people.size} people, mode ${company.mode}, roles ${company.rolesMode}${company.scim ? ', over SCIM' : ''}${company.misses === null ? '' : ', no look-ups'}`,
      );
      await this.flush(door);
    }
  }

  /** Lets somebody sign in: whom the identity provider vouches for, or whose old session it still believes. */
  async signIn(company: Company, person: Person): Promise<void> {
    const door = this.#process('door', 'door');
    const truth = standingAt(person, this.time.now);
    const known = this.#userOf(company, person.id) !== null;
    await this.#admit(company, [person], door);
    this.count(truth === 'present' ? 'act sign-in' : 'act sign-in of a leaver');
    await this.flush(door);
    if (!known && person.owner !== 'roll') await this.#giveTo(company, person);
  }

  /** An administrator does something to somebody. */
  async administer(
    company: Company,
    person: Person,
    kind: 'deactivate' | 'restore' | 'protect' | 'unprotect' | 'end_sessions_of_user',
  ): Promise<void> {
    const user = this.#userOf(company, person.id);
    if (user === null) return;
    const operator = this.#process('operator', 'admin');
    const actor: Actor = { kind: 'operator', name: 'ada' };
    const userId = user as UserId;
    const outcomes = await inTransaction(operator.db, (tx) => {
      const change = { userId, reason: 'by_admin', evidence: {} };
      const more = {
        expectedVersion: null,
        observedAt: null,
        privilegedRoles: new Set([PRIVILEGED]),
      };
      return applyToPerson(tx, { kind, ...change, ...more }, actor, this.time.ours());
    });
    const told = outcomes
      .map(({ outcome }) => ('code' in outcome ? outcome.code : outcome.kind))
      .join();
    this.tell(`  an administrator: ${kind} ${person.id}: ${told}`);
    this.count(`act ${kind} by an administrator`);
    await this.flush(operator);
  }

  /** One job of the sweep, done by a worker of its own. */
  async sweep(company: Company, options: SweepOptions = {}): Promise<void> {
    const { faults = [], troubles = [], trigger = 'schedule' } = options;
    this.#processes += 1;
    this.sweeps += 1;
    const name = `worker ${this.#processes}`;
    const words = faults.map((fault) => JSON.stringify(fault)).join(' ');
    this.tell(`${name} sweeps ${company.id} (${trigger}) ${words}`);
    for (const fault of faults) this.count(`fault ${fault.kind}`);
    const process = this.#process('worker', name, troubles);
    const hearing = new Hearing(name, company.id, faults);
    this.hearings.push(hearing);
    const seed = `${name} ${this.#random.uuid()}`;
    const view = new FaultyView(company, faults, this.time, seed);
    const directory = overheard(await this.#open(company, view), hearing, {
      company,
      process,
      order: () => ++this.#order,
      now: () => this.time.now,
      ours: () => this.time.now + this.time.skew,
    });
    const sweep = this.sweepOf(company, directory);
    const tools = { db: process.db, log: this.#log(process), clock: () => this.time.ours() };
    if (options.planOnly === true) {
      await planSweep(sweep, tools).catch((error: unknown) => this.#expect(error, 'plan', process));
    } else {
      const payload = { connectionId: company.id, trigger };
      const fresh = { id: this.#random.uuid(), name: SWEEP_JOB, payload };
      const job: Job = options.job ?? { ...fresh, attempt: 1, attempts: 3, abandoned: 0 };
      const work = { sweeps: new Map([[company.id, sweep]]), queue: this.queue, tools };
      const outcome = await workOnSweep(job, work).catch((error: unknown) => {
        this.#expect(error, name, process);
        return null;
      });
      this.queue.settle(job, outcome);
    }
    if (process.killed) this.#crashedAt.set(company.id, this.time.now);
    await this.flush(process);
  }

  /** Confirming runs and others whose time has come. */
  async deliverJobs(): Promise<void> {
    for (const job of this.queue.due()) {
      const { connectionId, trigger } = job.payload as {
        connectionId: string;
        trigger: 'confirmation';
      };
      const company = this.world.companies.find(({ id }) => id === connectionId);
      if (company === undefined) continue;
      this.count('job delivered');
      await this.sweep(company, { trigger, job });
    }
  }

  /** So much time passes without us that nobody holds a lease any more. */
  async expireLease(company: Company): Promise<void> {
    this.time.pass(31 * SECOND);
    await this.#database.harness.query(
      `update sweep_leases set expires_at = clock_timestamp() - interval '1 second' where connection_id = $1`,
      [company.id],
    );
    this.#crashedAt.delete(company.id);
  }

  crashed(company: Company): boolean {
    return this.#crashedAt.has(company.id);
  }

  /** Somebody at the command line. */
  async operate(
    company: Company,
    wish: OperatorWish,
    random: Random,
    troubles: readonly Trouble[] = [],
  ): Promise<boolean> {
    const operator = this.#process('operator', `operator ${++this.#processes}`, troubles);
    const done = await this.#carryOut(company, wish, random, operator).then(
      (what) => what,
      (error: unknown) => this.#expect(error, wish, operator),
    );
    if (operator.killed) this.#crashedAt.set(company.id, this.time.now);
    this.tell(`  an operator: ${wish} for ${company.id}: ${done}`);
    this.count(`operator ${wish}: ${done}`);
    await this.#readApprovals();
    await this.flush(operator);
    return done === 'done';
  }

  sweepOf(company: Company, directory: ConnectionSweep['directory']): ConnectionSweep {
    const people = [...company.people.values()];
    return {
      connectionId: company.id,
      directory,
      mode: company.mode,
      everyMs: 15 * MINUTE,
      planExpiresMs: DAY,
      policy: {
        connectionId: company.id,
        confirmAfterMs: CONFIRM_AFTER,
        ...(company.misses === null ? {} : { misses: company.misses }),
        protectedSubjects: new Set(
          people.filter((person) => person.protected).map(({ id }) => id as never),
        ),
        roles: { mode: company.rolesMode, rules: RULES, aliases: new Map(), defaultRole: null },
      },
      limits: limitsFor({ ...DEFAULT_PERCENTS, ...company.percents }),
      privilegedRoles: new Set([PRIVILEGED]),
      configuration: `configuration ${company.configuration}`,
    };
  }

  /** Hands the oracle what a process has written. Between two processes, and after each. */
  async flush(process: Process): Promise<void> {
    const rows = await readLedger(this.#database.harness, this.#ledger);
    this.#ledger = rows.at(-1)?.seq ?? this.#ledger;
    const harness: Writer = { role: 'harness', name: 'harness' };
    this.oracle.observe(rows, (pid) => (process.backends.has(pid) ? process : harness));
  }

  /** In this process; or by the real adapter, from a SCIM server that answers so. */
  async #open(company: Company, view: FaultyView): Promise<Directory> {
    if (!company.scim) return new SimulatedDirectory(company, view, this.time);
    this.count('directory over SCIM');
    return openScimDirectory(company, view, this.time);
  }

  #process(role: Role, name: string, troubles: readonly Trouble[] = []): Process {
    const process: Process = new Process({
      role,
      name,
      clients: this.#database.clients,
      sever: (pid) => this.#database.sever(pid),
      troubles: troubles.map((trouble) => {
        const { meanwhile } = trouble;
        if (meanwhile === undefined) return trouble;
        const others = async (): Promise<void> => {
          await this.flush(process);
          await meanwhile();
        };
        return { ...trouble, meanwhile: others };
      }),
      met: (trouble) => {
        this.count(`trouble ${trouble.kind}`);
        this.tell(`  ${name}: ${trouble.kind} ${trouble.when} step ${process.count}`);
      },
    });
    return process;
  }

  async #admit(company: Company, people: readonly Person[], door: Process): Promise<void> {
    await inTransaction(door.db, async (tx) => {
      for (const person of people) {
        const when = {
          truly: this.time.now,
          ours: this.time.ours(),
          idpSkew: this.#random.int(-30, 30) * SECOND,
        };
        const change = signInOf(company, person, this.#random, when);
        const actor: Actor = {
          kind: 'assertion',
          connection: company.id,
          assertionId: this.#random.uuid(),
        };
        const outcome = await apply(tx, change, actor, when.ours);
        if ('user' in outcome && outcome.user !== null) {
          this.#signIns.set(`${outcome.user.id} ${when.ours}`, ++this.#order);
        }
        if (people.length === 1) {
          this.tell(`  ${person.id} signs in: ${'code' in outcome ? outcome.code : outcome.kind}`);
        }
      }
    });
    const lastAt = this.time.ours();
    await addSignIns(door.db, [{ connectionId: company.id, lastAt, clockOffsetsMs: [0] }]);
  }

  /** As SCIM or an administrator would have them: no command of today makes somebody so. */
  async #giveTo(company: Company, person: Person): Promise<void> {
    await this.#database.harness.query(
      'update users set owner = $3 where connection_id = $1 and subject = $2',
      [company.id, person.id, person.owner],
    );
  }

  #userOf(company: Company, subject: string): string | null {
    for (const user of this.oracle.mirror.users.values()) {
      if (user.subject === subject && user.connection_id === company.id) return user.id;
    }
    return null;
  }

  async #carryOut(
    company: Company,
    wish: OperatorWish,
    random: Random,
    operator: Process,
  ): Promise<string> {
    const plans = await this.#plansOf(company);
    const clock = () => this.time.ours();
    const { db } = operator;
    switch (wish) {
      case 'approve':
      case 'approve_stale': {
        const waits = (state: string) => ['pending', 'held'].includes(state);
        const chosen = plans.filter(({ state }) => waits(state) === (wish === 'approve'));
        if (chosen.length === 0) return 'nothing';
        const { digest, people } = random.pick(chosen);
        await approvePlan(
          db,
          {
            digest,
            approver: this.#processes % 2 === 0 ? 'oda' : 'olaf',
            people,
            reason: 'looked at',
          },
          clock(),
        );
        return 'done';
      }
      case 'apply': {
        const chosen = plans.filter(({ state }) => ['pending', 'held'].includes(state));
        if (chosen.length === 0) return 'nothing';
        const plan = random.pick(chosen).run_id;
        const never = { company: company.id } as never;
        await applyPlan({ db, sweep: this.sweepOf(company, never), plan, operator: 'oda', clock });
        return 'done';
      }
      case 'undo': {
        const chosen = plans.filter(({ applied }) => applied > 0);
        if (chosen.length === 0) return 'nothing';
        const plan = random.pick(chosen).run_id;
        const privilegedRoles = new Set([PRIVILEGED]);
        await undoPlan({ db, plan, operator: 'oda', reason: 'was wrong', privilegedRoles, clock });
        return 'done';
      }
      case 'accept_listing': {
        const { rows } = await this.#database.harness.query(
          `select id, rows, partial_reason from sweep_runs
            where connection_id = $1 and snapshot_kind is not null order by started_at desc limit 1`,
          [company.id],
        );
        if (rows[0]?.partial_reason !== 'shrunk') return 'nothing';
        const { id: runId, rows: count } = rows[0];
        const approval = {
          connectionId: company.id,
          runId,
          rows: count,
          approver: 'oda',
          reason: 'they left',
        };
        await approveListing(db, approval, clock());
        this.#acceptedSizes.set(runId, count);
        return 'done';
      }
      default:
        return wish satisfies never;
    }
  }

  async #plansOf(company: Company) {
    const { rows } = await this.#database.harness.query<{
      run_id: string;
      digest: string;
      state: string;
      people: number;
      applied: number;
    }>(
      `select p.run_id, p.digest, p.state,
              (select count(distinct l.user_id)::int from plan_lines l where l.run_id = p.run_id and l.waits
                  and l.outcome is null and l.brake_class is not null) as people,
              (select count(*)::int from plan_lines l where l.run_id = p.run_id
                  and l.outcome = 'applied' and l.undo_outcome is null) as applied
         from plans p where p.connection_id = $1 and p.state <> 'drafting' order by p.created_at, p.run_id`,
      [company.id],
    );
    return rows;
  }

  async #readApprovals(): Promise<void> {
    const { rows } = await this.#database.harness.query<{
      run_id: string;
      approvers: number;
      people: number;
    }>(
      `select p.run_id, count(distinct a.approver)::int as approvers, max(a.people) as people
         from plans p join plan_approvals a using (digest) group by p.run_id`,
    );
    for (const { run_id, approvers, people } of rows) {
      const population = this.oracle.populationOf(run_id);
      const needed = people > 1 && people * 5 > population ? 2 : 1;
      if (approvers >= needed) this.#approved.add(run_id);
    }
  }

  /** A refusal has a code; a process that was killed says nothing more. All else is a fault of ours. */
  #expect(error: unknown, what: string, process: Process): string {
    if (error instanceof Killed || process.killed) return 'killed';
    if (error instanceof AppError) return error.code;
    if (process.severed) return 'severed';
    this.oracle.blame('alive', `${what}: ${error instanceof Error ? error.stack : String(error)}`);
    return 'failed';
  }

  #log(process: Process): Log {
    const { name } = process;
    const note = (line: Record<string, unknown>): void => {
      const { event, state, code, explanation, applied, skipped, waiting, planOnlyBecause, err } =
        line;
      if (event === 'sweep.finished') {
        this.count(`sweep ${code}`);
        const because = planOnlyBecause === null ? '' : `, only planned: ${planOnlyBecause}`;
        const why = explanation === null ? '' : `: ${explanation}`;
        this.tell(
          `  ${name}: ${state} ${code}, ${applied} applied, ${skipped} skipped, ${waiting} wait${because}${why}`,
        );
        return;
      }
      this.count(`log ${event}`);
      this.tell(`  ${name}: ${event}${err instanceof Error ? ` ${err.message}` : ''}`);
      if (event === 'sweep.error' || event === 'sweep.broken_off') this.#expect(err, name, process);
    };
    return { info: note, warn: note, error: note, debug: () => undefined } as unknown as Log;
  }
}
