/**
 * A distinguished name in one spelling, so that the `member` of a group meets the name
 * of its entry: servers differ in case and blanks, not in the order (RFC 4514 §2.3,
 * RFC 4518). Two spellings of one escape (`\2C`, `\,`) become one.
 */
export function canonicalDn(dn: string): string {
  return dn
    .replaceAll(/\\([0-9a-fA-F]{2})/g, (_, hex: string) => escapeAscii(hex))
    .replaceAll(/(?<!\\)\s*([,=+])\s*/g, '$1')
    .trim()
    .toLowerCase();
}

/** Bytes beyond ASCII stay as they are: they are parts of one character. */
function escapeAscii(hex: string): string {
  const code = Number.parseInt(hex, 16);
  return code > 0x20 && code < 0x7f ? `\\${String.fromCharCode(code)}` : `\\${hex.toLowerCase()}`;
}
