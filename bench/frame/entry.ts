import type { Summary } from './statistics.ts';
import type { Table } from './table.ts';

/** One operation of a contestant. Throws when it did not do what it was to do. */
export type Operation = () => Promise<void> | void;

/** One contestant's operations of one round. */
export type Work = readonly Operation[];

/** Contestants that are run side by side on the same inputs. */
export interface Heat {
  readonly name: string;
  /** In words, what the inputs are. */
  readonly about: string;
  /** The contestant that the others are held against. */
  readonly peer: string;
  /** `rate`: operations in the time of one of the peer's. `cost`: its time in operations of the peer. */
  readonly ratio: 'rate' | 'cost';
  readonly rounds: number;
  readonly warmUps: number;
  /** How many operations of one contestant are under way at once. */
  readonly inFlight: number;
  /**
   * Makes fresh inputs for one round, outside the timed part. The keys are the
   * names of the contestants, the same ones in each round.
   */
  prepareRound(): Promise<ReadonlyMap<string, Work>>;
}

/** What one contestant did. */
export interface ContestantResult {
  readonly name: string;
  /** Milliseconds an operation, one value for each round. */
  readonly msPerOperation: readonly number[];
  readonly ms: Summary;
  /** CPU time of this process an operation, all its threads together, in milliseconds. */
  readonly cpu: Summary;
  /** To the peer, as the heat's `ratio` says, taken round by round. */
  readonly ratio: Summary;
}

export interface HeatResult {
  readonly heat: Pick<Heat, 'name' | 'about' | 'peer' | 'ratio' | 'inFlight'>;
  readonly contestants: readonly ContestantResult[];
}

/** How much of the whole is run. `quick` shows that an entry works; its numbers say little. */
export type Pace = 'full' | 'quick';

/** How much of a campaign is run; null: as much as the entry has by itself. */
export interface Extent {
  /** The first and the last. */
  readonly seeds: readonly [number, number] | null;
  readonly processes: number | null;
}

/** An entry with everything that it needs standing. */
export interface OpenEntry {
  readonly heats: readonly Heat[];
  /** Versions of what was measured, by name. */
  readonly versions: Readonly<Record<string, string>>;
  /** What else is worth knowing, measured apart from the heats. */
  observe(): Promise<readonly Table[]>;
  /** What the results mean, in Markdown paragraphs. A mark that is missed is said to be missed. */
  conclude(results: readonly HeatResult[]): readonly string[];
  /** Whether something came out that must never come out: the command then fails. */
  brokenPromise?(): boolean;
  close(): Promise<void>;
}

/** Something worth measuring. One file each in `bench/entries`. */
export interface Entry {
  /** As it is called on the command line. */
  readonly name: string;
  /** What is held against what, in a sentence. */
  readonly compares: string;
  /**
   * @param sizes how many people, one after the other; null where nobody asked for any.
   * @param tell told in a line what is under way, where it takes long.
   * @param extent how much of a campaign; other entries have none.
   */
  open(
    pace: Pace,
    sizes: readonly number[] | null,
    tell: (line: string) => void,
    extent: Extent,
  ): Promise<OpenEntry>;
}
