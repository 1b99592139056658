import type { SweepRecord } from '@rollcall/sweeper/plan/read';

/** Where something stands that takes time: a run, or the undo of a plan. */
export interface Progress {
  readonly step: SweepRecord['step'] | 'undoing';
  readonly progress: SweepRecord['progress'];
}

/** Where it stands: `Listing: 12 pages, 2,400 people`. Empty where it has not said. */
export function sayProgress({ step, progress }: Progress): string {
  switch (step) {
    case null:
      return '';
    case 'listing':
      return `Listing${list([
        [progress.pages, progress.pages === 1 ? 'page' : 'pages'],
        [progress.rows, progress.rows === 1 ? 'person' : 'people'],
      ])}`;
    case 'looking_up':
      return `Looking up who is missing${list([[progress.looked_up, 'asked for']])}`;
    case 'deciding':
      return `Deciding${share(progress.people, progress.of_people, 'people')}`;
    case 'planned':
      return 'Planned';
    case 'applying':
      return `Applying${share(progress.lines, progress.of_lines, 'lines')}`;
    case 'undoing':
      return `Taking back${share(progress.lines, progress.of_lines, 'lines')}`;
    default:
      return step satisfies never;
  }
}

/** The same for programs. */
export function progressToJson(
  connection: string,
  { step, progress }: Progress,
): Record<string, unknown> {
  return { progress: { connection, step, ...progress } };
}

function list(parts: readonly (readonly [number | undefined, string])[]): string {
  const known = parts.filter(([number]) => number !== undefined);
  const said = known.map(([number, what]) => `${(number ?? 0).toLocaleString('en-US')} ${what}`);
  return said.length === 0 ? '' : `: ${said.join(', ')}`;
}

function share(done: number | undefined, all: number | undefined, what: string): string {
  if (done === undefined || all === undefined) return list([[done, what]]);
  const percent = all === 0 ? 100 : Math.floor((100 * done) / all);
  return `: ${done.toLocaleString('en-US')} of ${all.toLocaleString('en-US')} ${what} (${percent} %)`;
}
