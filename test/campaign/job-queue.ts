import type { DeadJob, Job, JobCounts, JobOutcome, KeptSchedule } from '@rollcall/shared/queue/job';
import type { JobQueue } from '@rollcall/shared/queue/queues';
import type { Random } from './random.ts';

interface Waiting {
  readonly job: Job;
  readonly dueAt: number;
}

const ATTEMPTS = 3;

/** A queue that loses jobs, hands them out twice, late and out of order, as queues do. */
export class FaultyQueue implements JobQueue {
  readonly #waiting: Waiting[] = [];
  readonly #random: Random;
  readonly #now: () => number;
  readonly #count: (name: string) => void;
  #healthy = false;

  constructor(random: Random, now: () => number, count: (name: string) => void) {
    this.#random = random;
    this.#now = now;
    this.#count = count;
  }

  heal(): void {
    this.#healthy = true;
  }

  async add(
    name: string,
    payload: object,
    { delayMs = 0, id = this.#random.uuid() }: { delayMs?: number; id?: string } = {},
  ): Promise<void> {
    if (this.#waiting.some(({ job }) => job.id === id)) return;
    const job: Job = { id, name, payload, attempt: 1, attempts: ATTEMPTS, abandoned: 0 };
    const entry = { job, dueAt: this.#now() + delayMs };
    const fate = this.#healthy
      ? 'kept'
      : this.#random.weighted({ kept: 70, lost: 12, twice: 10, late: 8 });
    this.#count(`job ${fate}`);
    if (fate === 'lost') return;
    const late = fate === 'late' ? this.#random.int(1, 40) * 60_000 : 0;
    this.#waiting.push({ ...entry, dueAt: entry.dueAt + late });
    if (fate === 'twice') this.#waiting.push(entry);
  }

  /** Takes out what is due, in an order of its own. */
  due(): Job[] {
    const due = this.#waiting.filter(({ dueAt }) => dueAt <= this.#now());
    for (const one of due) this.#waiting.splice(this.#waiting.indexOf(one), 1);
    return this.#random.shuffled(due.map(({ job }) => job));
  }

  /** Puts a job in again, where its outcome says so. */
  settle(job: Job, outcome: JobOutcome | null): void {
    this.#count(`job ${outcome?.kind ?? 'failed'}`);
    if (outcome?.kind !== 'again' && outcome?.kind !== 'later') return;
    const attempt = job.attempt + (outcome.kind === 'again' ? 1 : 0);
    this.#waiting.push({ job: { ...job, attempt }, dueAt: this.#now() + outcome.delayMs });
  }

  async schedule(): Promise<void> {}
  async unschedule(): Promise<void> {}
  async schedules(): Promise<readonly KeptSchedule[]> {
    return [];
  }
  async dead(): Promise<readonly DeadJob[]> {
    return [];
  }
  async retryDead(): Promise<boolean> {
    return false;
  }
  async dropDead(): Promise<boolean> {
    return false;
  }
  async counts(): Promise<JobCounts> {
    return { waiting: this.#waiting.length, active: 0, delayed: 0, dead: 0 };
  }
  async close(): Promise<void> {}
}
