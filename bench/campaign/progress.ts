import type { RunReport } from '../../test/campaign/processes.ts';
import { tellFailure } from '../../test/campaign/report.ts';
import { figure } from '../frame/figures.ts';

const EVERY_MS = 30_000;

/** Tells twice a minute how far a campaign has come, and at once what it has found. */
export class Progress {
  readonly #runs: number;
  readonly #tell: (line: string) => void;
  readonly #begun = performance.now();
  #told = performance.now();
  #done = 0;
  #failed = 0;

  constructor(runs: number, tell: (line: string) => void) {
    this.#runs = runs;
    this.#tell = tell;
  }

  add(run: RunReport): void {
    this.#done += 1;
    if (run.violations.length > 0) {
      this.#failed += 1;
      this.#tell(`\n${tellFailure(run, { withHistory: true, broken: null })}`);
    }
    const now = performance.now();
    if (now - this.#told < EVERY_MS && this.#done < this.#runs) return;
    this.#told = now;
    const rate = (this.#done * 1000) / (now - this.#begun);
    const left = Math.ceil((this.#runs - this.#done) / rate / 60);
    this.#tell(
      `${this.#done.toLocaleString('en')} of ${this.#runs.toLocaleString('en')} runs, ${this.#failed} failed, ${figure(rate)} a second, ${left} min left`,
    );
  }
}
