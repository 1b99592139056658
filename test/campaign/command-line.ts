import { availableParallelism } from 'node:os';

/** What the command line asks for. */
export interface Options {
  readonly seeds: readonly string[];
  /** How many processes run seeds side by side. */
  readonly processes: number;
  /** What of the product is broken on purpose; null: nothing. */
  readonly broken: string | null;
}

export const USAGE = `npm run campaign -- SEED | FIRST-LAST [--processes NUMBER] [--broken NAME]

Runs seeds of the fault campaign: docs/fault-campaign.md says what that is. One seed
tells its whole story; of several, those that failed do. --broken breaks one thing in
the product on purpose, which the campaign has to find.`;

/** Reads the command line; null where it asks for nothing that there is. */
export function readOptions(args: readonly string[]): Options | null {
  const values = { '--processes': String(availableParallelism()), '--broken': '' };
  const rest: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? '';
    if (Object.hasOwn(values, arg)) values[arg as keyof typeof values] = args[++index] ?? '';
    else rest.push(arg);
  }
  const [range = '', ...more] = rest;
  const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? [];
  const processes = Number(values['--processes']);
  if (first === undefined || more.length > 0 || !(processes >= 1)) return null;
  const count = Number(last) - Number(first) + 1;
  if (count < 1) return null;
  return {
    seeds: Array.from({ length: count }, (_, index) => String(Number(first) + index)),
    processes,
    broken: values['--broken'] === '' ? null : values['--broken'],
  };
}
