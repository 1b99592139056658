import type { Extent, Pace } from './entry.ts';

/** What was asked for on the command line. */
export type Wish =
  | { readonly kind: 'help' }
  | {
      readonly kind: 'run';
      readonly names: readonly string[];
      readonly pace: Pace;
      /** How many people, for entries that have sizes; null: those that the entry has by itself. */
      readonly sizes: readonly number[] | null;
      readonly extent: Extent;
    }
  | { readonly kind: 'wrong'; readonly message: string };

/**
 * Reads the command line. No name is all entries, in the order of `known`.
 *
 * @param args what follows `npm run bench --`.
 */
export function readCommandLine(args: readonly string[], known: readonly string[]): Wish {
  if (args.includes('--help') || args.includes('-h')) return { kind: 'help' };
  const given = args.find((arg) => arg.startsWith(SIZES))?.slice(SIZES.length);
  const sizes = given === undefined ? null : readSizes(given);
  if (sizes?.some(Number.isNaN)) return wrong('sizes such as 10k,100k,1m', given ?? '');
  const extent = readExtent(args);
  if (extent === null) return wrong('--seeds=FIRST-LAST and --processes=NUMBER', args.join(' '));
  const flag = args.find((arg) => arg.startsWith('-') && !isKnownFlag(arg));
  if (flag !== undefined)
    return wrong('--quick, --sizes=…, --seeds=…, --processes=… or --help', flag);
  const wanted = new Set(args.filter((arg) => !arg.startsWith('-')));
  const unknown = [...wanted].find((name) => !known.includes(name));
  if (unknown !== undefined) return wrong(`one of ${known.join(', ')}`, unknown);
  return {
    kind: 'run',
    names: wanted.size === 0 ? known : known.filter((name) => wanted.has(name)),
    pace: args.includes('--quick') ? 'quick' : 'full',
    sizes,
    extent,
  };
}

const SIZES = '--sizes=';
const SEEDS = '--seeds=';
const PROCESSES = '--processes=';

/** How much of a campaign, and in how many processes; null where it cannot be read. */
function readExtent(args: readonly string[]): Extent | null {
  const given = (flag: string) => args.find((arg) => arg.startsWith(flag))?.slice(flag.length);
  const [seeds, processes] = [given(SEEDS), given(PROCESSES)];
  const [, first, last] = /^([1-9][0-9]*)-([1-9][0-9]*)$/.exec(seeds ?? '') ?? [];
  if (seeds !== undefined && !(Number(first) <= Number(last))) return null;
  if (processes !== undefined && !/^[1-9][0-9]?$/.test(processes)) return null;
  return {
    seeds: seeds === undefined ? null : [Number(first), Number(last)],
    processes: processes === undefined ? null : Number(processes),
  };
}

function isKnownFlag(arg: string): boolean {
  return arg === '--quick' || [SIZES, SEEDS, PROCESSES].some((name) => arg.startsWith(name));
}

function readSizes(text: string): readonly number[] {
  return text.split(',').map((size) => {
    const [, digits, unit = ''] = /^([1-9][0-9]*)([km]?)$/i.exec(size) ?? [];
    const factors: Readonly<Record<string, number>> = { '': 1, k: 1_000, m: 1_000_000 };
    return Number(digits) * (factors[unit.toLowerCase()] ?? Number.NaN);
  });
}

function wrong(expected: string, received: string): Wish {
  return { kind: 'wrong', message: `Expected ${expected}, received ${received}.` };
}
