import type { EpochMs } from '@rollcall/shared/core/time';
import type { SinkTrial } from '@rollcall/shared/notify/try-sinks';
import type { ListedNotification, SinkDelivery } from '@rollcall/shared/notify/waiting';
import type { Colors } from '../terminal.ts';
import { type Cell, renderTable } from './table.ts';
import { sayWhen, toIso } from './when.ts';

/** How much of an error is shown in a line. */
const LONGEST = 80;

/** For people. */
export function renderNotifications(
  listed: readonly ListedNotification[],
  now: EpochMs,
  colors: Colors,
): string {
  if (listed.length === 0) return 'No notifications.';
  const dim = (text: string): Cell => ({ text, paint: colors.dim });
  return renderTable([
    ['ID', 'WHEN', 'EVENT', 'CONNECTION', 'ABOUT', 'TOLD'].map(dim),
    ...listed.map((one) => [
      one.id,
      sayWhen(one.at, now),
      one.standing === 'resolved' ? `${one.event}, over` : one.event,
      one.connection ?? '-',
      one.about,
      sayDeliveries(one.deliveries, colors),
    ]),
  ]);
}

function sayDeliveries(deliveries: readonly SinkDelivery[], colors: Colors): Cell | string {
  if (deliveries.length === 0) return 'nobody: no sink asked for it';
  const text = deliveries.map(sayDelivery).join(' · ');
  const bad = deliveries.some(({ state }) => state === 'parked' || state === 'failing');
  return bad ? { text, paint: colors.red } : text;
}

function sayDelivery({ sink, state, attempts, error }: SinkDelivery): string {
  if (state === 'delivered') return sink;
  const why = error === null ? '' : `: ${error.slice(0, LONGEST)}`;
  return `${sink} ${state === 'waiting' ? 'waiting' : `${state} after ${attempts}`}${why}`;
}

/** How each sink took a test, for people. */
export function renderTrials(trials: readonly SinkTrial[], colors: Colors): string {
  return renderTable(
    trials.map(({ sink, type, failure }) =>
      failure === null
        ? [{ text: 'ok', paint: colors.green }, sink, type, 'taken']
        : [
            { text: 'failed', paint: colors.red },
            sink,
            type,
            `${failure.message} (${failure.code})`,
          ],
    ),
  );
}

/** For programs. */
export function notificationToJson(one: ListedNotification): Record<string, unknown> {
  return {
    id: one.id,
    at: toIso(one.at),
    event: one.event,
    standing: one.standing,
    connection: one.connection,
    about: one.about,
    facts: one.facts,
    deliveries: one.deliveries.map(({ deliveredAt, ...delivery }) => ({
      ...delivery,
      delivered_at: toIso(deliveredAt),
    })),
  };
}

/** For programs. */
export function trialToJson({ sink, type, failure }: SinkTrial): Record<string, unknown> {
  return { sink, type, ok: failure === null, ...(failure === null ? {} : { failure }) };
}
