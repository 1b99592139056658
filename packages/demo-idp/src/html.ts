/** Markup that is safe to send: every text in it has been escaped. */
export interface Markup {
  readonly markup: string;
}

/** What may stand in a template: texts are escaped, markup is not, false and undefined vanish. */
export type Fragment = string | number | Markup | false | undefined | readonly Fragment[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Escapes a text for an element or a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** A template whose values are escaped by default: html`<b>${name}</b>`. */
export function html(strings: TemplateStringsArray, ...values: readonly Fragment[]): Markup {
  const markup = strings.map((part, index) => part + render(values[index])).join('');
  return { markup };
}

function render(value: Fragment): string {
  if (value === undefined || value === false) return '';
  if (typeof value === 'string') return escapeHtml(value);
  if (typeof value === 'number') return String(value);
  return 'markup' in value ? value.markup : value.map(render).join('');
}

/** A whole page. `main` is what stands under the heading. */
export function renderPage(title: string, main: Markup, script?: Markup): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Demo IdP</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header class="bar"><a class="brand" href="/">Demo IdP</a><span class="hint">Not for real people: anybody may sign in as anybody.</span></header>
<main>
<h1>${title}</h1>
${main}
</main>
${script}
</body>
</html>
`.markup;
}

/** How a button looks, what it sends, and by what a test finds it. */
export interface ButtonOptions {
  /** What a person sees. */
  readonly label: string;
  /** Added for screen readers, so that no two buttons of a page have the same name. */
  readonly unseen: string;
  readonly testId: string;
  readonly style?: 'main' | 'danger';
  readonly name?: string;
  readonly value?: string;
}

/** A button that sends the form around it. */
export function renderButton(options: ButtonOptions): Markup {
  const sent =
    options.name !== undefined && html` name="${options.name}" value="${options.value ?? ''}"`;
  return html`<button type="submit" class="${options.style ?? 'plain'}" data-testid="${options.testId}"${sent}>${options.label}<span class="unseen"> ${options.unseen}</span></button>`;
}
