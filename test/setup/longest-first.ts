import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Begun last, one of these would keep a single core busy while the others have nothing to do. */
const LONG = [
  'e2e/story',
  'integration/instances',
  'integration/campaign',
  'integration/sweeper/sweep',
  'integration/embedded-postgres',
  'integration/sessions/revoked-at-once',
  'integration/start/',
  'integration/sweeper/',
  'integration/access/',
  'integration/cli/',
  'integration/incidents/',
];

/** The long files first, in the order of the list; then as Vitest would have them. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((one, other) => rank(one) - rank(other));
  }
}

function rank({ moduleId }: TestSpecification): number {
  const found = LONG.findIndex((part) => moduleId.includes(`/test/${part}`));
  return found === -1 ? LONG.length : found;
}
