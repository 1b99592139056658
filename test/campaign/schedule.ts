import { live } from './life.ts';
import { Random } from './random.ts';
import type { Simulation } from './simulation.ts';
import {
  administratorStep,
  operatorStep,
  ownerStep,
  rushStep,
  silenceStep,
  sweepStep,
  wavesStep,
} from './steps.ts';
import { deliverJobs } from './sweeping.ts';
import { type Theme, themeOf } from './theme.ts';
import { DAY, HOUR, MINUTE, SECOND } from './virtual-time.ts';

/** One step of a run. Draws from numbers of its own, so that another one may be left out. */
export interface Step {
  readonly kind: StepKind;
  readonly seed: string;
  readonly theme: Theme;
}

type StepKind =
  | 'life'
  | 'sweep'
  | 'operator'
  | 'admin'
  | 'owner'
  | 'clock'
  | 'configure'
  | 'wait'
  | 'waves'
  | 'silence'
  | 'rush';

const EVERYTHING: Readonly<Record<StepKind, number>> = {
  life: 20,
  sweep: 46,
  operator: 16,
  admin: 7,
  clock: 4,
  configure: 3,
  wait: 4,
  owner: 5,
  waves: 2,
  silence: 1,
  rush: 0,
};
const NOTHING_ELSE = { owner: 0, waves: 0, silence: 0, rush: 0 };
const WEIGHTS: Readonly<Record<Theme, Readonly<Record<StepKind, number>>>> = {
  everything: EVERYTHING,
  exodus: {
    life: 40,
    sweep: 55,
    operator: 2,
    admin: 1,
    clock: 1,
    configure: 0,
    wait: 1,
    ...NOTHING_ELSE,
  },
  doors: { ...EVERYTHING, sweep: 60, life: 30, operator: 5 },
  deaths: { ...EVERYTHING, sweep: 60, life: 24 },
  operators: { ...EVERYTHING, operator: 34 },
  waves: { ...EVERYTHING, life: 24, sweep: 40, operator: 8, waves: 36, configure: 1, clock: 2 },
  silence: { ...EVERYTHING, life: 12, sweep: 36, wait: 8, silence: 52, operator: 4, configure: 0 },
  owners: { ...EVERYTHING, owner: 46, sweep: 40, life: 26 },
  everywhere: {
    ...EVERYTHING,
    ...NOTHING_ELSE,
    rush: 90,
    sweep: 20,
    life: 10,
    operator: 0,
    admin: 0,
    clock: 0,
    configure: 0,
    wait: 0,
  },
};

/** The steps of a seed, between the first sweep and the healthy end. */
export function scheduleOf(seed: string): readonly Step[] {
  const random = new Random(`${seed} schedule`);
  const theme = themeOf(seed);
  const count = random.int(5, MOST_STEPS[theme] ?? 12);
  return Array.from({ length: count }, (_, index) => ({
    kind: random.weighted(WEIGHTS[theme]),
    seed: `${seed} step ${index}`,
    theme,
  }));
}

const MOST_STEPS: Partial<Readonly<Record<Theme, number>>> = { exodus: 15, everywhere: 7 };

/** Takes one step. */
export async function take(step: Step, simulation: Simulation): Promise<void> {
  const random = new Random(step.seed);
  const company = random.pick(simulation.world.companies);
  await deliverJobs(simulation);
  switch (step.kind) {
    case 'life':
      for (let times = random.int(1, 3); times > 0; times--) {
        await live(simulation, company, random, step.theme);
      }
      return;
    case 'sweep':
      simulation.time.pass(
        random.pick([30 * SECOND, 6 * MINUTE, 6 * MINUTE, 15 * MINUTE, 15 * MINUTE]),
      );
      return sweepStep(simulation, company, random, step.theme);
    case 'operator':
      simulation.time.pass(MINUTE);
      return operatorStep(simulation, company, random);
    case 'admin':
      return administratorStep(simulation, company, random);
    case 'owner':
      return ownerStep(simulation, company, random);
    case 'waves':
      return wavesStep(simulation, company, random);
    case 'rush':
      return rushStep(simulation, random);
    case 'silence':
      return silenceStep(simulation, company, random);
    case 'clock': {
      const jump = random.pick([
        -2 * HOUR,
        -10 * MINUTE,
        -5 * SECOND,
        10 * MINUTE,
        2 * HOUR,
        25 * HOUR,
      ]);
      simulation.time.skew += jump;
      simulation.count('fault clock jumps');
      simulation.tell(`our clocks jump by ${jump / SECOND} s`);
      return;
    }
    case 'configure': {
      const what = random.weighted({ configuration: 50, scope: 30, mode: 20 });
      if (what === 'configuration') company.configuration += 1;
      else if (what === 'scope') company.scope += 1;
      else if (company.mode !== 'observe') company.mode = random.pick(['auto', 'approve'] as const);
      simulation.count(`act ${what} changed`);
      simulation.tell(`the ${what} of ${company.id} changes`);
      return;
    }
    case 'wait': {
      const ms = random.pick([HOUR, 8 * HOUR, DAY + HOUR, 3 * DAY]);
      simulation.time.pass(ms);
      simulation.tell(`${ms / HOUR} hours pass`);
      return;
    }
    default:
      return step.kind satisfies never;
  }
}
