import { type Command, InvalidArgumentError } from 'commander';

/** Which part of something long is wanted. */
export interface PageOptions {
  readonly limit: number;
  readonly after: number;
}

/** `--limit` and `--after` for the lines of a plan. */
export function addPageOptions(command: Command): Command {
  return command
    .option('--limit <number>', 'how many lines, 1 to 10000', readWithin(1, 10_000), 500)
    .option('--after <line>', 'go on after this line', readWithin(0, 2_000_000_000), 0);
}

/** Reads a whole number. Throws `InvalidArgumentError`. */
export function readWithin(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^[0-9]{1,10}$/.test(text) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`Expected a number from ${least} to ${most}.`);
  };
}
