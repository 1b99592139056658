// Controls, and what is drawn as nothing or turns the direction of its neighbours.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * Text from outside, safe to show in a terminal and to store: names and groups come
 * from an identity provider, and an escape sequence in one could rewrite what the
 * reader sees. Unprintable characters become `\u{…}`.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (letter) => {
    const number = letter.codePointAt(0) ?? 0;
    return `\\u{${number.toString(16)}}`;
  });
}

/**
 * JSON in which such characters are escaped, as JSON escapes them: the same value to whoever
 * parses it, and nothing that a terminal obeys. `JSON.stringify` escapes only some.
 */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(UNPRINTABLE, (letter) =>
    Array.from({ length: letter.length }, (_, index) => {
      return `\\u${letter.charCodeAt(index).toString(16).padStart(4, '0')}`;
    }).join(''),
  );
}
