import type { Pace } from '../frame/entry.ts';
import { figure } from '../frame/figures.ts';
import { type LoadResult, runLoad } from './load.ts';
import { STEPS, type Step } from './steps.ts';
import type { Contestant, ScimWorld } from './world.ts';

/** What became of one step with so many at once. */
export interface StepResult {
  readonly step: Step;
  readonly lanes: number;
  /** A text where it could not be carried out: why. */
  readonly ours: LoadResult | string;
  readonly scimmy: LoadResult | string;
}

/** Carries out every step; what fails is told in its place, and the others are still measured. */
export async function runSteps(
  { ours, scimmy }: ScimWorld,
  pace: Pace,
  tell: (line: string) => void,
): Promise<readonly StepResult[]> {
  const results: StepResult[] = [];
  for (const step of STEPS) {
    for (const lanes of step.lanes) {
      const result = {
        step,
        lanes,
        ours: await attempt(step, ours, { lanes, requests: share(step.requests, pace) }),
        scimmy: await attempt(step, scimmy, { lanes, requests: share(step.ofScimmy, pace) }),
      };
      results.push(result);
      tell(
        `${step.name}, ${lanes} at a time: ${inWords(result.ours)}; scimmy: ${inWords(result.scimmy)}`,
      );
    }
  }
  return results;
}

function share(requests: number, pace: Pace): number {
  return pace === 'full' ? requests : Math.max(3, Math.round(requests / 20));
}

async function attempt(
  step: Step,
  contestant: Contestant,
  { lanes, requests }: { readonly lanes: number; readonly requests: number },
): Promise<LoadResult | string> {
  const warmUps = Math.min(50, Math.ceil(requests / 10));
  try {
    const plan = { requests, lanes, warmUps };
    return await runLoad(step.request(contestant), plan, contestant.meter);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function inWords(result: LoadResult | string): string {
  if (typeof result === 'string') return result;
  const { p50, p99, perSecond } = result;
  return `p50 ${figure(p50)} ms, p99 ${figure(p99)} ms, ${figure(perSecond)} a second`;
}
