import type { RelaySettings } from '../outbox/relay-settings.ts';

/**
 * How long somebody else's machine is waited for: again after a minute, then twice as long
 * each time up to every 6 hours. With its spread, 22 attempts take some three days: a
 * weekend. A longer last wait would keep what is repaired on Monday waiting till Tuesday.
 */
export const PATIENT: Pick<
  RelaySettings,
  'timeoutMs' | 'attempts' | 'firstDelayMs' | 'longestDelayMs'
> = {
  timeoutMs: 20_000,
  attempts: 22,
  firstDelayMs: 60_000,
  longestDelayMs: 6 * 60 * 60_000,
};
