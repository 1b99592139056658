/**
 * A browser without a screen: keeps cookies per host, follows redirects, posts
 * forms. For tests that need many sign-ins; what people see is tested in Chromium.
 */
export class Visitor {
  readonly #jar = new Map<string, Map<string, string>>();

  /** The cookies for an address, as a header; for tests that tamper with them. */
  cookies(url: string): string {
    const jar = this.#jar.get(new URL(url).host) ?? new Map<string, string>();
    return [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  /** Puts a cookie into the jar, as somebody who plants one would. */
  plant(url: string, name: string, value: string): void {
    this.#jarOf(new URL(url).host).set(name, value);
  }

  async get(url: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.#send(url, { headers: { accept: 'text/html', ...headers } });
  }

  async json(url: string): Promise<Answer> {
    return this.#send(url, { headers: { accept: 'application/json' } });
  }

  async post(url: string, form: Record<string, string> | URLSearchParams): Promise<Answer> {
    return this.#send(url, {
      method: 'POST',
      body: new URLSearchParams(form),
      headers: { accept: 'text/html', origin: new URL(url).origin },
    });
  }

  /** As {@link post}, without following the redirect that it answers with. */
  async postOnce(
    url: string,
    body: BodyInit,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return this.#request(url, {
      method: 'POST',
      body,
      headers: { accept: 'text/html', ...headers },
    });
  }

  async #send(url: string, init: RequestInit): Promise<Answer> {
    let answer = await this.#request(url, init);
    for (let hops = 0; answer.location !== null; hops++) {
      if (hops > 10) throw new Error(`more than 10 redirects from ${url}`);
      answer = await this.#request(answer.location, { headers: { accept: 'text/html' } });
    }
    return answer;
  }

  async #request(url: string, init: RequestInit): Promise<Answer> {
    const headers = new Headers(init.headers);
    const cookies = this.cookies(url);
    if (cookies !== '') headers.set('cookie', cookies);
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const cookie of response.headers.getSetCookie()) this.#keep(url, cookie);
    const location = response.headers.get('location');
    return {
      url,
      status: response.status,
      headers: response.headers,
      text: await response.text(),
      location: location === null ? null : new URL(location, url).href,
    };
  }

  #keep(url: string, cookie: string): void {
    const [pair = '', ...attributes] = cookie.split(';').map((part) => part.trim());
    const equals = pair.indexOf('=');
    const jar = this.#jarOf(new URL(url).host);
    const expires = attributes.find((part) => /^expires=/i.test(part))?.slice(8);
    const gone = expires !== undefined && Date.parse(expires) <= Date.now();
    if (gone) jar.delete(pair.slice(0, equals));
    else jar.set(pair.slice(0, equals), pair.slice(equals + 1));
  }

  #jarOf(host: string): Map<string, string> {
    const jar = this.#jar.get(host) ?? new Map<string, string>();
    this.#jar.set(host, jar);
    return jar;
  }
}

export interface Answer {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly location: string | null;
}

/** The action and the fields of a page's first form. */
export function formOf(page: Answer): { action: string; fields: Record<string, string> } {
  const action = /<form[^>]*\baction="([^"]*)"/.exec(page.text)?.[1];
  if (action === undefined) throw new Error(`no form at ${page.url}: ${page.text.slice(0, 400)}`);
  const fields: Record<string, string> = {};
  for (const [tag] of page.text.matchAll(/<input[^>]*>/g)) {
    const name = /\bname="([^"]*)"/.exec(tag)?.[1];
    if (name !== undefined) fields[name] = decodeEntities(/\bvalue="([^"]*)"/.exec(tag)?.[1] ?? '');
  }
  return { action: new URL(decodeEntities(action), page.url).href, fields };
}

function decodeEntities(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll(/&#x([0-9a-f]+);/gi, (_, code: string) => String.fromCodePoint(parseInt(code, 16)))
    .replaceAll(/&#([0-9]+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

/**
 * Goes to the app's sign-in and chooses a person at the demo IdP; answers with the
 * form that the IdP would have the browser post.
 */
export async function askIdp(
  visitor: Visitor,
  loginUrl: string,
  personId: string,
  oldSession = false,
): Promise<{ action: string; fields: Record<string, string> }> {
  const chooser = formOf(await visitor.get(loginUrl));
  const name = oldSession ? 'old_session' : 'person';
  return formOf(await visitor.post(chooser.action, { ...chooser.fields, [name]: personId }));
}
