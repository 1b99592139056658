import { resolve } from 'node:path';
import { isServerUrl, type SecretReference, type ServerKind, type UrlSource } from '../secrets.ts';
import { type Reading, textAs } from './fields.ts';

const REFERENCE_FORM = 'a reference (env:NAME or file:/path), never the secret itself';
const REFERENCE = /^(?:env|file):/;
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/** A reference to a secret. A relative path is taken from `baseDir`. */
export function secretReference(baseDir: string) {
  return textAs(REFERENCE_FORM, (text) => readReference(text, baseDir));
}

/** The URL of a server: plain where it holds no password, else a reference. */
export function serverUrl(kind: ServerKind, baseDir: string) {
  const expected = `a reference (env:NAME or file:/path) or a ${kind} URL without a password`;
  return textAs(expected, (text): Reading<UrlSource> => {
    if (REFERENCE.test(text)) return readReference(text, baseDir);
    const url = URL.parse(text);
    if (url === null || !isServerUrl(kind, text)) {
      return { ok: false, wrong: `must be ${expected}` };
    }
    if (url.password !== '' || mayHoldPassword(url)) {
      const wrong = 'holds a password: move the URL to a secret and refer to it as env:NAME';
      return { ok: false, wrong, code: 'config.not_a_reference' };
    }
    return { ok: true, value: { kind: 'plain', value: text } };
  });
}

/** A reference, or plain text of a URL that `readUrl` accepts. */
export function readReferenceOr(
  text: string,
  baseDir: string,
  readUrl: (text: string) => Reading<unknown>,
): Reading<UrlSource> {
  if (REFERENCE.test(text)) return readReference(text, baseDir);
  const reading = readUrl(text);
  return reading.ok ? { ok: true, value: { kind: 'plain', value: text } } : reading;
}

/** Path of a file, taken from `baseDir` where it is relative. */
export function filePath(baseDir: string) {
  return textAs('the path of a file', (text) =>
    text === '' || text.includes('\0')
      ? { ok: false, wrong: 'expected the path of a file' }
      : { ok: true, value: resolve(baseDir, text) },
  );
}

function readReference(text: string, baseDir: string): Reading<SecretReference> {
  if (text.startsWith('env:')) {
    const name = text.slice('env:'.length);
    if (ENV_NAME.test(name)) return { ok: true, value: { kind: 'env', name } };
    const wrong = 'expected env:NAME, where NAME has only letters, digits and underscores';
    return { ok: false, wrong, code: 'config.not_a_reference' };
  }
  if (text.startsWith('file:')) {
    const path = text.slice('file:'.length);
    if (path !== '' && !path.startsWith('//') && !path.includes('\0')) {
      return { ok: true, value: { kind: 'file', path: resolve(baseDir, path) } };
    }
    const wrong = 'expected file:/path with one slash, or file:path beside this file';
    return { ok: false, wrong, code: 'config.not_a_reference' };
  }
  return { ok: false, wrong: `must be ${REFERENCE_FORM}`, code: 'config.not_a_reference' };
}

/** libpq takes `?password=` and `?sslpassword=` as well. */
function mayHoldPassword(url: URL): boolean {
  return [...url.searchParams.keys()].some((key) => /pass|secret|token/i.test(key));
}
