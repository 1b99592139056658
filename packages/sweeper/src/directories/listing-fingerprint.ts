import { createHash } from 'node:crypto';

/** What decides who is listed. No secrets: hash them first. */
export type ListingFacts = Readonly<
  Record<string, string | number | boolean | null | readonly string[]>
>;

/** SHA-256 over facts, whatever their order; 64 hexadecimal digits. */
export function hashFacts(facts: ListingFacts): string {
  const sorted = Object.entries(facts).sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256(JSON.stringify(sorted));
}

/** SHA-256 of a text, hexadecimal. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
