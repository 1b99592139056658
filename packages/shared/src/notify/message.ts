import { printable } from '../core/printable.ts';
import { describeEvent, type Fact, type ToldNotification } from './told.ts';

/** A notification for people: plain text without markup. */
export interface Message {
  /** On one line. */
  readonly title: string;
  readonly lines: readonly string[];
}

/**
 * Puts a notification into words.
 *
 * @param source where it comes from: the public URL of this installation.
 */
export function messageOf(told: ToldNotification, source: string): Message {
  const { severity, meaning, action } = describeEvent(told.event);
  const resolved = told.standing === 'resolved';
  const marks = [told.test ? 'test' : null, resolved ? 'resolved' : null];
  const head = ['Rollcall', ...marks.filter((mark) => mark !== null), told.event].join(': ');
  const facts = Object.entries(told.facts).map(([name, value]) => `${name}: ${sayFact(value)}`);
  const lines = [
    ...(told.test ? ['This is a test: nothing has happened.', ''] : []),
    resolved ? `It is over: ${meaning}` : meaning,
    '',
    ...facts,
    '',
    ...(resolved ? [] : [`What to do: ${action}`, '']),
    `${severity}, ${told.at}, ${source}`,
  ];
  const where = told.connection === null ? '' : ` (${told.connection})`;
  return { title: printable(`${head}${where}`), lines: lines.map(printable) };
}

function sayFact(value: Fact): string {
  if (Array.isArray(value)) return value.join('; ');
  return value === null ? '-' : String(value);
}
