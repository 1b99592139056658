import { SamlRefusal } from './refusal.ts';

/**
 * What nobody has signed of a response: its shell, and the signature with its
 * KeyInfo. Whoever may sign in could fill it to keep the second verifier busy,
 * whose time grows with the square of what it reads.
 */
const MAX_UNSIGNED_BYTES = 32 * 1024;
export const MAX_UNSIGNED_TAGS = 200;

/** How much a text holds. */
export interface Extent {
  readonly bytes: number;
  readonly tags: number;
}

/** Nothing of a text is accounted for. */
export const NOTHING: Extent = { bytes: 0, tags: 0 };

/** How much a text holds, in UTF-8. `<` cannot occur but in a tag. */
export function extentOf(text: string): Extent {
  return { bytes: Buffer.byteLength(text), tags: text.split('<').length - 1 };
}

/** Throws `saml.too_much_unsigned` where more than a shell is left besides what is accounted for. */
export function requireLittleUnsigned(whole: Extent, accounted: Extent): void {
  const bytes = whole.bytes - accounted.bytes;
  const tags = whole.tags - accounted.tags;
  if (bytes <= MAX_UNSIGNED_BYTES && tags <= MAX_UNSIGNED_TAGS) return;
  throw new SamlRefusal('saml.too_much_unsigned', {
    expected: `at most ${MAX_UNSIGNED_BYTES} bytes and ${MAX_UNSIGNED_TAGS} tags`,
    received: `${bytes} bytes and ${tags} tags`,
  });
}
