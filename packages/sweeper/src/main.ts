export type { SweepBusy, SweepResult, SweepSummary } from './sweep/summary.ts';
export { type Sweeper, type SweeperOptions, sweeper } from './sweeper.ts';
