import { type Html, html } from './html.ts';

/** A way to sign in, as people see it. */
export interface LoginChoice {
  readonly label: string;
  readonly href: string;
  /** False where its identity provider is not known at present. */
  readonly available: boolean;
}

/** What the sign-in page offers. */
export interface LoginPage {
  /** The way that this browser took the last time; null where it remembers none. */
  readonly last: LoginChoice | null;
  /** Empty where the ways are not to be shown. */
  readonly choices: readonly LoginChoice[];
  /** The e-mail form; null where no domain leads anywhere. */
  readonly form: {
    readonly returnTo: string | null;
    /** What was typed, to be mended; empty at first. */
    readonly typed: string;
    /** What is wrong with it; null at first. */
    readonly error: string | null;
  } | null;
}

/** The body of the sign-in page: works with a keyboard, without a script, and read aloud. */
export function loginPage({ last, choices, form }: LoginPage): Html {
  const continued =
    last === null
      ? html``
      : html`<p>You signed in this way last time:</p>
<p><a class="button" href="${last.href}"${focus(form === null || form.error === null)}>Continue with ${last.label}</a></p>`;
  return html`${continued}${form === null ? html`` : emailForm(form, last === null)}${list(choices, form !== null || last !== null)}`;
}

function emailForm(
  { returnTo, typed, error }: NonNullable<LoginPage['form']>,
  isFirst: boolean,
): Html {
  const complaint =
    error === null ? html`` : html`<p class="error" id="email-error" role="alert">${error}</p>`;
  const described =
    error === null ? html`` : html` aria-invalid="true" aria-describedby="email-error"`;
  const hidden =
    returnTo === null ? html`` : html`<input type="hidden" name="return_to" value="${returnTo}">`;
  return html`<form method="post" action="/login">${hidden}
<label for="email">E-mail address</label>
<input id="email" name="email" type="email" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="320" value="${typed}" required${described}${focus(isFirst || error !== null)}>
${complaint}<button>Continue</button></form>`;
}

function list(choices: readonly LoginChoice[], isOther: boolean): Html {
  if (choices.length === 0) return html``;
  const items = choices.map(
    ({ label, href, available }) =>
      html`<li><a href="${href}">${label}</a>${available ? html`` : html` (not available at the moment)`}</li>`,
  );
  const heading = isOther ? 'Or choose where you sign in' : 'Choose where you sign in';
  return html`<h2 id="choices">${heading}</h2><ul aria-labelledby="choices">${items}</ul>`;
}

function focus(wanted: boolean): Html {
  return wanted ? html` autofocus` : html``;
}
