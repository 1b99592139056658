import { BREAKS, type Break } from './breaks.ts';
import { type RunReport, runInProcesses } from './processes.ts';
import type { CampaignServer } from './server.ts';

/** Where something that was broken on purpose was found. */
export interface Found {
  readonly name: string;
  /** The first seed, from 1 on, that found it; null: none did. */
  readonly seed: string | null;
  /** What the oracle said. */
  readonly promise: string | null;
  readonly what: string | null;
}

/** Runs seeds from 1 on, one after another, until one finds what is broken. */
export async function hunt(
  server: CampaignServer,
  { name }: Pick<Break, 'name'>,
  most: number,
): Promise<Found> {
  const seeds = Array.from({ length: most }, (_, index) => String(index + 1));
  let found: RunReport | null = null as RunReport | null;
  const onRun = (run: RunReport): 'stop' | undefined => {
    if (run.violations.length === 0) return undefined;
    found ??= run;
    return 'stop';
  };
  await runInProcesses({ server, seeds, processes: 1, broken: name, onRun });
  const [violation] = found?.violations ?? [];
  return {
    name,
    seed: found?.seed ?? null,
    promise: violation?.promise ?? null,
    what: violation?.what ?? null,
  };
}

/** Looks for each of some breaks, several at once. */
export async function huntAll(
  server: CampaignServer,
  options: {
    readonly breaks?: readonly Break[];
    readonly processes: number;
    readonly most: number;
    onFound(found: Found): Promise<void>;
  },
): Promise<void> {
  const left = [...(options.breaks ?? BREAKS)];
  const one = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      await options.onFound(await hunt(server, next, options.most));
    }
  };
  await Promise.all(Array.from({ length: options.processes }, one));
}
