import { type Reading, textAs } from './fields.ts';

/** Where the service listens. */
export interface ListenAddress {
  /** A name or address; IPv6 without its brackets. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);
const HTTPS_FORM = 'an https URL (http only for localhost, 127.0.0.1 or [::1])';

/** The origin under which browsers reach the service, such as `https://auth.example.com`. */
export function publicUrl() {
  return textAs(HTTPS_FORM, (text): Reading<string> => {
    const reading = readWebUrl(text);
    if (!reading.ok) return reading;
    const { pathname, search, origin } = reading.value;
    if (pathname !== '/' || search !== '' || text.includes('?')) {
      const wrong = `expected no path and no query: serve Rollcall at the root of a host of its own, such as ${origin}`;
      return { ok: false, wrong };
    }
    return { ok: true, value: origin };
  });
}

/** The URL of a service that we call or send browsers to, exactly as written. */
export function webUrl() {
  return textAs(HTTPS_FORM, (text): Reading<string> => {
    const reading = readWebUrl(text);
    return reading.ok ? { ok: true, value: text } : reading;
  });
}

/** The address of a file that is read again and again; a query could hold a secret. */
export function fileUrl() {
  return textAs(HTTPS_FORM, (text): Reading<string> => {
    const reading = readWebUrl(text);
    if (!reading.ok) return reading;
    if (!text.includes('?')) return { ok: true, value: reading.value.href };
    return { ok: false, wrong: 'expected an address without a query: give a token instead' };
  });
}

/** The base of an HTTP API, without a slash at the end and without the part that we add. */
export function apiBaseUrl(added?: string) {
  return textAs(HTTPS_FORM, (text): Reading<string> => {
    const reading = readWebUrl(text);
    if (!reading.ok) return reading;
    if (text.includes('?')) return { ok: false, wrong: 'expected the base URL, without a query' };
    if (added !== undefined && reading.value.pathname.includes(added)) {
      return { ok: false, wrong: `expected the base URL, without ${added}…` };
    }
    return { ok: true, value: reading.value.href.replace(/\/+$/, '') };
  });
}

const HOST_AND_PORT = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})$/;
const LISTEN_FORM = 'host:port, such as 127.0.0.1:3000 or [::1]:3000';

/** `127.0.0.1:3000` or `[::1]:3000`. */
export function listenAddress() {
  return textAs(LISTEN_FORM, (text): Reading<ListenAddress> => {
    const parts = HOST_AND_PORT.exec(text);
    const [host, port] = [parts?.[1], Number(parts?.[2])];
    if (host === undefined || port > 65_535 || !URL.canParse(`http://${host}/`)) {
      return { ok: false, wrong: `expected ${LISTEN_FORM}, with a port up to 65535` };
    }
    return { ok: true, value: { host: host.replace(/^\[|\]$/g, ''), port } };
  });
}

/** The URL of a service, by https, or by http from anywhere to anywhere. */
export function readAnyWebUrl(text: string): Reading<URL> {
  return readUrl(text, true);
}

function readWebUrl(text: string): Reading<URL> {
  return readUrl(text, false);
}

/** The messages do not quote the URL: it may hold credentials. */
function readUrl(text: string, allowHttp: boolean): Reading<URL> {
  const url = URL.parse(text);
  if (url === null || text.trim() !== text || !/^https?:\/\//i.test(text)) {
    return { ok: false, wrong: `expected ${HTTPS_FORM}` };
  }
  if (url.username !== '' || url.password !== '') {
    return { ok: false, wrong: 'expected a URL without credentials' };
  }
  if (!allowHttp && url.protocol === 'http:' && !LOOPBACK.has(url.hostname)) {
    return {
      ok: false,
      wrong: `must be https: http is accepted only for ${[...LOOPBACK].join(', ')}`,
    };
  }
  if (text.includes('#')) return { ok: false, wrong: 'expected a URL without a fragment (#…)' };
  return { ok: true, value: url };
}
