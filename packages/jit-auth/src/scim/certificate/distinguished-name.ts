/** The parts of a distinguished name, `type=value`, sorted: the order in which tools write them differs. */
export type DistinguishedName = readonly string[];

/**
 * Reads a name as RFC 4514 writes it (`CN=okta,O=Acme\, Inc`), or one part to a line as
 * Node.js does. Null for what is none. Pure.
 */
export function readName(text: string): DistinguishedName | null {
  const parts = partsOf(text.trim());
  const read = parts.map(readPart);
  const names = read.flatMap((part) => part ?? []);
  return names.length === 0 || names.length < parts.length ? null : names.sort();
}

/** Whether two names have the same parts, each value to the letter. Pure. */
export function isSameName(one: DistinguishedName, other: DistinguishedName): boolean {
  return one.length === other.length && one.every((part, index) => part === other[index]);
}

/** Splits at commas, plus signs and line breaks that are not escaped. */
function partsOf(text: string): readonly string[] {
  const parts: string[] = [];
  let part = '';
  for (let at = 0; at < text.length; at += 1) {
    const letter = text.charAt(at);
    if (letter === '\\') {
      part += letter + text.charAt(at + 1);
      at += 1;
    } else if (letter === ',' || letter === '+' || letter === '\n') {
      parts.push(part);
      part = '';
    } else {
      part += letter;
    }
  }
  return [...parts, part];
}

function readPart(part: string): string | null {
  const [, type = '', value = ''] =
    /^\s*([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)\s*=\s*(.*)$/s.exec(part) ?? [];
  if (type === '' || value.trim() === '') return null;
  return `${type.toLowerCase()}=${unescaped(value.trim())}`;
}

/** RFC 4514 §2.4: `\,` is a comma, `\C3\A9` is UTF-8. */
function unescaped(value: string): string {
  return value.replace(/((?:\\[0-9A-Fa-f]{2})+)|\\(.)/gs, (_all, hex?: string, letter?: string) =>
    hex === undefined ? (letter ?? '') : decodeBytes(hex),
  );
}

function decodeBytes(hex: string): string {
  const bytes = hex.split('\\').filter((byte) => byte !== '');
  return new TextDecoder().decode(Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 16)));
}
