import type { SearchEntry } from 'ldapts';
import { DirectoryError } from '../directory-error.ts';

/** An entry as it was sent: raw values by attribute, whose names have no case (RFC 4512 §2.5). */
export interface LdapEntry {
  readonly dn: string;
  readonly attributes: ReadonlyMap<string, readonly Buffer[]>;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Takes an entry out of its message. An attribute without values is as good as left out. */
export function toEntry(message: SearchEntry): LdapEntry {
  const attributes = new Map<string, readonly Buffer[]>();
  for (const attribute of message.attributes) {
    if (attribute.parsedBuffers.length > 0) {
      attributes.set(attribute.type.toLowerCase(), attribute.parsedBuffers);
    }
  }
  return { dn: message.name, attributes };
}

/** The values of an attribute as they came; none where it is not there. */
export function valuesOf(entry: LdapEntry, name: string): readonly Buffer[] {
  return entry.attributes.get(name.toLowerCase()) ?? [];
}

/** The values of an attribute as text. Throws `DirectoryError` where one is no UTF-8. */
export function textsOf(entry: LdapEntry, name: string): readonly string[] {
  return valuesOf(entry, name).map((value) => {
    try {
      return UTF8.decode(value);
    } catch (cause) {
      throw new DirectoryError('malformed_answer', `Expected ${name} in UTF-8.`, { cause });
    }
  });
}

/**
 * The only value of an attribute as text, null where there is none. Throws
 * `DirectoryError` where there are several, or one that is no UTF-8.
 */
export function textOf(entry: LdapEntry, name: string): string | null {
  const [value, more] = textsOf(entry, name);
  if (more !== undefined) {
    throw new DirectoryError(
      'malformed_answer',
      `Expected one value of ${name}, received several.`,
    );
  }
  return value ?? null;
}
