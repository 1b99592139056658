/** Text that is HTML already. Only {@link html} makes it. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a template. Text is escaped; {@link Html} is not escaped again. */
export type Insertion = string | number | Html | readonly Html[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * A piece of HTML in which everything inserted is escaped, so that a name or a
 * group out of an assertion can never become markup.
 */
export function html(parts: TemplateStringsArray, ...insertions: readonly Insertion[]): Html {
  const texts = parts.map((part, index) => {
    const insertion = insertions[index];
    return insertion === undefined ? part : part + toText(insertion);
  });
  return new Html(texts.join(''));
}

function toText(insertion: Insertion): string {
  if (insertion instanceof Html) return insertion.text;
  if (typeof insertion === 'string' || typeof insertion === 'number') {
    return String(insertion).replace(/[&<>"']/g, (letter) => ESCAPES[letter] ?? '');
  }
  return insertion.map((piece) => piece.text).join('');
}
