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
