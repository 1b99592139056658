import type { Pace } from './entry.ts';

/** What was asked for on the command line. */
export type Wish =
  | { readonly kind: 'help' }
  | { readonly kind: 'run'; readonly names: readonly string[]; readonly pace: Pace }
  | { readonly kind: 'wrong'; readonly message: string };

/**
 * Reads the command line. No name is all entries, in the order of `known`.
 *
 * @param args what follows `npm run bench --`.
 */
export function readCommandLine(args: readonly string[], known: readonly string[]): Wish {
  if (args.includes('--help') || args.includes('-h')) return { kind: 'help' };
  const flag = args.find((arg) => arg.startsWith('-') && arg !== '--quick');
  if (flag !== undefined) return wrong('--quick or --help', flag);
  const wanted = new Set(args.filter((arg) => !arg.startsWith('-')));
  const unknown = [...wanted].find((name) => !known.includes(name));
  if (unknown !== undefined) return wrong(`one of ${known.join(', ')}`, unknown);
  return {
    kind: 'run',
    names: wanted.size === 0 ? known : known.filter((name) => wanted.has(name)),
    pace: args.includes('--quick') ? 'quick' : 'full',
  };
}

function wrong(expected: string, received: string): Wish {
  return { kind: 'wrong', message: `Expected ${expected}, received ${received}.` };
}
