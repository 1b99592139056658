import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { wordsOf } from '@rollcall/shared/core/errors';
import type { Log } from '@rollcall/shared/telemetry/log';
import { type Place, type SecondOpinion, verifierBusy, verifierFailed } from './second-opinion.ts';
import type { SecondQuestion, SecondReading } from './second-verifier.ts';
import { readingIn } from './thread-answer.ts';

/** How many threads, and how patient. */
export interface ThreadOptions {
  readonly threads: number;
  readonly log: Log;
  /** How many questions wait for each thread at most. */
  readonly waitingPerThread?: number;
  /** How long a thread may work on one question, in milliseconds, its own start included. */
  readonly budgetMs?: number;
  /** What the threads run; ours where left out. */
  readonly program?: URL;
}

interface Job {
  readonly question: SecondQuestion;
  readonly settle: (answer: () => SecondReading) => void;
}

interface Thread {
  worker: Worker | null;
  job: Job | null;
  timer: NodeJS.Timeout | undefined;
}

/** At 50 ms for the largest sign-in that is usual: under two seconds. */
const WAITING_PER_THREAD = 32;
/** The largest response that is let through takes a tenth of it on a slow machine. */
const BUDGET_MS = 5_000;
/** A thread that would need more dies alone, and not the process with it. */
const MEMORY = { maxOldGenerationSizeMb: 256 };
/** Beside this file: a source in development, JavaScript once it is built. */
const PROGRAM = new URL(`./second-verifier-thread${extname(import.meta.url)}`, import.meta.url);

/**
 * Asks the second verifier on threads of its own, so that one sign-in does not hold up
 * everything else. A thread starts when it is first needed and works on one question at
 * a time. One that crashes, says something strange or takes longer than its budget is
 * ended: that sign-in fails, and the next question gets a new thread.
 */
export class SecondVerifierThreads implements SecondOpinion {
  readonly #options: Required<ThreadOptions>;
  readonly #threads: readonly Thread[];
  readonly #waiting: Job[] = [];
  #places = 0;
  #closed = false;

  constructor(options: ThreadOptions) {
    this.#options = {
      waitingPerThread: WAITING_PER_THREAD,
      budgetMs: BUDGET_MS,
      program: PROGRAM,
      ...options,
    };
    const none = (): Thread => ({ worker: null, job: null, timer: undefined });
    this.#threads = Array.from({ length: options.threads }, none);
  }

  reserve(): Place {
    const { threads, waitingPerThread } = this.#options;
    const limit = threads * (1 + waitingPerThread);
    if (this.#places >= limit) throw verifierBusy(limit);
    this.#places++;
    let held = true;
    return {
      ask: (question) => this.#ask(question),
      release: () => {
        if (held) this.#places--;
        held = false;
      },
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#waiting.splice(0)) fail(job, 'the end of the service');
    await Promise.all(this.#threads.map((thread) => this.#end(thread, 'the end of the service')));
  }

  async #ask(question: SecondQuestion): Promise<SecondReading> {
    if (this.#closed) throw verifierFailed('the end of the service');
    const { promise, resolve } = Promise.withResolvers<() => SecondReading>();
    this.#waiting.push({ question, settle: resolve });
    this.#next();
    return (await promise)();
  }

  /** Gives work to whoever has none: to threads that run, before another one is started. */
  #next(): void {
    // One at a time: a thread that cannot be started is idle again at once.
    while (this.#waiting.length > 0) {
      const idle = this.#threads.filter(({ job }) => job === null);
      const thread = idle.find(({ worker }) => worker !== null) ?? idle[0];
      const job = thread === undefined ? undefined : this.#waiting.shift();
      if (thread === undefined || job === undefined) return;
      this.#give(thread, job);
    }
  }

  #give(thread: Thread, job: Job): void {
    const worker = thread.worker ?? this.#startOrFail(thread, job);
    if (worker === null) return;
    thread.job = job;
    thread.timer = setTimeout(
      () => this.#lose(thread, worker, 'no answer in time'),
      this.#options.budgetMs,
    );
    worker.ref();
    try {
      worker.postMessage(job.question);
    } catch (error) {
      this.#lose(thread, worker, wordsOf(error));
    }
  }

  /** Thrown from here, where a thread has just been lost, it would end the whole process. */
  #startOrFail(thread: Thread, job: Job): Worker | null {
    try {
      return this.#start(thread);
    } catch (error) {
      this.#options.log.error({ event: 'verifier.thread_lost', received: wordsOf(error) });
      fail(job, wordsOf(error));
      return null;
    }
  }

  #start(thread: Thread): Worker {
    const { NODE_OPTIONS } = process.env;
    const worker = new Worker(this.#options.program, {
      name: 'second verifier',
      // No environment, and so no secrets, nor a DEBUG that would print assertions.
      env: NODE_OPTIONS === undefined ? {} : { NODE_OPTIONS },
      resourceLimits: MEMORY,
    });
    thread.worker = worker;
    worker.on('message', (message: unknown) => this.#hear(thread, worker, message));
    worker.on('messageerror', (error) => this.#lose(thread, worker, wordsOf(error)));
    worker.on('error', (error) => this.#lose(thread, worker, wordsOf(error)));
    worker.on('exit', () => this.#lose(thread, worker, 'the end of the thread'));
    return worker;
  }

  #hear(thread: Thread, worker: Worker, message: unknown): void {
    const { job } = thread;
    if (thread.worker !== worker) return;
    // Whoever speaks unasked may answer the next question with the answer to this one.
    if (job === null) {
      this.#lose(thread, worker, 'an answer to no question');
      return;
    }
    clearTimeout(thread.timer);
    thread.job = null;
    worker.unref();
    job.settle(() => readingIn(message));
    this.#next();
  }

  /** Ends a thread that cannot be relied on any more. Its question fails. */
  #lose(thread: Thread, worker: Worker, why: string): void {
    if (thread.worker !== worker) return;
    this.#options.log.error({ event: 'verifier.thread_lost', received: why });
    this.#end(thread, why).catch(() => undefined);
    if (!this.#closed) this.#next();
  }

  async #end(thread: Thread, why: string): Promise<void> {
    const { worker, job } = thread;
    clearTimeout(thread.timer);
    thread.worker = null;
    thread.job = null;
    if (job !== null) fail(job, why);
    await worker?.terminate();
  }
}

function fail(job: Job, why: string): void {
  job.settle(() => {
    throw verifierFailed(why);
  });
}
