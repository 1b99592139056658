import { availableParallelism } from 'node:os';
import type { Config } from '@rollcall/shared/config/types';
import type { Log } from '@rollcall/shared/telemetry/log';
import { ON_THIS_THREAD, type SecondOpinion } from './second-opinion.ts';
import { SecondVerifierThreads } from './second-verifier-threads.ts';

/** More would only help who signs hundreds of people in every second, and each takes memory. */
const MOST_BY_ITSELF = 4;

/** Opens what the configuration says; without a number, a thread for each core, four at most. */
export function openSecondOpinion({ threads }: Config['verification'], log: Log): SecondOpinion {
  if (threads === 0) return ON_THIS_THREAD;
  const count = threads ?? Math.min(availableParallelism(), MOST_BY_ITSELF);
  return new SecondVerifierThreads({ threads: count, log });
}
