import { DAY } from '../virtual-time.ts';

/** What one sweep took from, or gave back to, one person without anybody's approval. */
export interface Taking {
  readonly run: string;
  readonly user: string;
  readonly class: 'absence' | 'disabled' | 'roles' | 'returns';
  /** By our clock. */
  readonly at: number;
  /** Whether the person held a privileged role that went with it. */
  readonly privileged: boolean;
}

export interface Percents {
  readonly absencePerRun: number;
  readonly absencePerDay: number;
  readonly disabledPerDay: number;
  readonly roleChangesPerRun: number;
}

/**
 * The limit that the latest of some takings breaks, or null. The numbers are those of the
 * manual, written down here once more.
 *
 * @param all what was taken in one connection, the latest last.
 * @param population how many had access when the run's plan was made.
 */
export function brokenLimit(
  all: readonly Taking[],
  population: number,
  percents: Percents,
): string | null {
  const last = all.at(-1);
  if (last === undefined) return null;
  const people = (one: readonly Taking[]): number => new Set(one.map(({ user }) => user)).size;
  const since = (ms: number) => all.filter(({ at }) => at >= last.at - ms);
  const run = all.filter((one) => one.run === last.run);
  const same = (list: readonly Taking[]) => list.filter((one) => one.class === last.class);
  const most = (floor: number, percent: number) =>
    Math.max(floor, Math.floor((population * percent) / 100));
  const day = Math.max(
    5,
    last.class === 'roles' ? percents.roleChangesPerRun : percents.absencePerDay,
  );
  const limits: readonly (readonly [string, number, number])[] =
    last.class === 'disabled'
      ? [['24 hours', people(same(since(DAY))), most(10, percents.disabledPerDay)]]
      : [
          [
            'one run',
            people(same(run)),
            most(3, last.class === 'roles' ? percents.roleChangesPerRun : percents.absencePerRun),
          ],
          [
            '24 hours',
            people(same(since(DAY))),
            most(5, last.class === 'roles' ? day : percents.absencePerDay),
          ],
          ['7 days', people(same(since(7 * DAY))), most(10, Math.max(10, day))],
        ];
  const over = limits.find(([, received, allowed]) => received > allowed);
  if (over !== undefined) return `${last.class} in ${over[0]}: ${over[1]} of at most ${over[2]}`;
  if (last.class === 'absence' || last.class === 'disabled') {
    const gone = people(run.filter((one) => one.class === 'absence' || one.class === 'disabled'));
    if (gone > 1 && gone * 2 >= population) return `${gone} of ${population} people in one run`;
  }
  const admins = people(since(DAY).filter((one) => one.privileged));
  return last.privileged && admins > 1 ? `${admins} holders of a privileged role in a day` : null;
}
