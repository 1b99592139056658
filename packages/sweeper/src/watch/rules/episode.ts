import type { Notification, Occasion } from '@rollcall/shared/notify/raise';

/** What a rule says of the present. */
export interface Judgement {
  /** What is to be told; null where nothing is. */
  readonly holds: Notification | null;
  /** It is over for certain, and not only a little less bad. */
  readonly over: boolean;
}

/** What is to be written down. */
export type Step =
  | { readonly kind: 'raise'; readonly notification: Notification }
  | { readonly kind: 'resolve'; readonly occasion: Occasion };

/** All is well. */
export const WELL: Judgement = { holds: null, over: true };

/**
 * An episode is told when it begins and when it is over, and not in between.
 *
 * @param open the occasions of the same event and connection that were raised and are not over.
 */
export function nextSteps({ holds, over }: Judgement, open: readonly Occasion[]): readonly Step[] {
  if (holds !== null) return open.length > 0 ? [] : [{ kind: 'raise', notification: holds }];
  return over ? open.map((occasion) => ({ kind: 'resolve', occasion })) : [];
}
