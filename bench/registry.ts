import { campaign } from './entries/campaign.ts';
import { hostileBody } from './entries/hostile-body.ts';
import { scim } from './entries/scim.ts';
import { sessionCheck } from './entries/session-check.ts';
import { signIn } from './entries/sign-in.ts';
import { signInArrivals } from './entries/sign-in-arrivals.ts';
import { sweep } from './entries/sweep.ts';
import type { Entry } from './frame/entry.ts';

/** All entries, in the order in which they run. */
export const ENTRIES: readonly Entry[] = [
  signIn,
  signInArrivals,
  hostileBody,
  sessionCheck,
  sweep,
  scim,
  campaign,
];
