import { EVENTS, type NotificationEvent, type Severity } from './events.ts';

/** A fact of a notification, as it is stored. */
export type Fact = string | number | boolean | null | readonly string[];

/** A notification as it is told to a sink. */
export interface ToldNotification {
  /** The same at every attempt, and of no other notification of this installation. */
  readonly id: string;
  /** 1 at the first attempt. */
  readonly attempt: number;
  /** When it happened, in ISO 8601. */
  readonly at: string;
  /** One of the list; another one where a later version has raised it. */
  readonly event: string;
  readonly standing: 'raised' | 'resolved';
  readonly connection: string | null;
  readonly about: string;
  readonly facts: Readonly<Record<string, Fact>>;
  /** Made by hand, to see whether it arrives: nothing has happened. */
  readonly test: boolean;
}

/** What is known of an event; of one of a later version, that it is not known. */
export function describeEvent(event: string): {
  readonly severity: Severity;
  readonly meaning: string;
  readonly action: string;
} {
  if (Object.hasOwn(EVENTS, event)) return EVENTS[event as NotificationEvent];
  return {
    severity: 'warning',
    meaning: 'Something that this version has no words for.',
    action: 'See the documentation of the version that raised it.',
  };
}
