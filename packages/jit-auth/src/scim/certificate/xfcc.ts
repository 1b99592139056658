/** What the nearest proxy says of a client's certificate. Keys in lower case. */
export type XfccElement = ReadonlyMap<string, string>;

/**
 * Reads `x-forwarded-client-cert` as Envoy writes it: elements behind commas, each of
 * `key=value` behind semicolons, values in quotes where they need it. Each proxy adds an
 * element at the end, so the last one is the nearest proxy's and the others are hearsay.
 * Null for what cannot be read, or says something twice but names. Pure.
 */
export function readNearestElement(header: string): XfccElement | null {
  const pieces = split(header, ',');
  const last = pieces?.at(-1);
  const pairs = last === undefined ? null : split(last, ';');
  if (pairs === null) return null;
  const element = new Map<string, string>();
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const key = pair.slice(0, Math.max(0, at)).trim().toLowerCase();
    const value = unquoted(pair.slice(at + 1).trim());
    if (key === '' || value === null) return null;
    // Alternative names may come several times; nothing here is decided by them.
    if (element.has(key) && !['by', 'uri', 'dns'].includes(key)) return null;
    element.set(key, value);
  }
  return element;
}

/** Splits outside of quotes; null where a quote is not closed. */
function split(text: string, separator: string): readonly string[] | null {
  const parts: string[] = [];
  let [part, quoted] = ['', false];
  for (let at = 0; at < text.length; at += 1) {
    const letter = text.charAt(at);
    if (quoted && letter === '\\') {
      part += letter + text.charAt(at + 1);
      at += 1;
      continue;
    }
    if (letter === '"') quoted = !quoted;
    if (letter === separator && !quoted) {
      parts.push(part);
      part = '';
    } else {
      part += letter;
    }
  }
  return quoted ? null : [...parts, part];
}

function unquoted(value: string): string | null {
  if (!value.startsWith('"')) return value.includes('"') ? null : value;
  if (!/^"(?:[^"\\]|\\.)*"$/s.test(value)) return null;
  return value.slice(1, -1).replace(/\\"/g, '"');
}
