/** As `newReference` of the sign-in makes them: Crockford's base 32, four and six. */
const REFERENCE = /^([0-9A-HJKMNP-TV-Z]{4})-?([0-9A-HJKMNP-TV-Z]{6})$/;

/**
 * A reference as a person types it: in either case, with or without the hyphen, and
 * with the letters that Crockford's base 32 leaves out taken for the digits that they
 * look like. Null where it cannot be one.
 */
export function readReference(text: string): string | null {
  const letters = text.trim().toUpperCase().replaceAll('O', '0').replace(/[IL]/g, '1');
  const found = REFERENCE.exec(letters);
  return found === null ? null : `${found[1]}-${found[2]}`;
}
