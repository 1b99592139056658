import { formatReference, resolveSecret, type SecretReference } from '../config/secrets.ts';
import type { Environment } from '../config/types.ts';
import { AppError, wordsOf } from '../core/errors.ts';
import { LOOPBACK_NAMES } from '../http/public-address.ts';
import type { Message } from './message.ts';

/** What of a configuration says how mail is sent. The secret is read at each use. */
export interface Mailbox {
  /** To `smtps://user:password@host:465` or `smtp://user:password@host:587`. */
  readonly smtp: SecretReference;
  readonly from: string;
  readonly to: readonly string[];
}

/** What tells one mail from another. */
export interface MailHead {
  /** The same at every attempt: `Message-ID` is made of it, so that a second copy is seen as one. */
  readonly id: string;
  readonly event: string;
}

/** For a connection, a greeting, or an answer, in milliseconds. */
const TIMEOUT_MS = 15_000;
/** RFC 6409 §3.1 and RFC 8314 §7.3. */
const PORTS = { 'smtp:': 587, 'smtps:': 465 } as const;

interface Server {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  readonly auth: { readonly user: string; readonly pass: string } | null;
}

/**
 * Sends a mail: plain text, by TLS, unless the server is on this machine.
 * Throws `email.bad_server` and `email.refused`; neither holds a secret, nor who was written to.
 */
export async function sendMail(
  mailbox: Mailbox,
  { id, event }: MailHead,
  { title, lines }: Message,
  env: Environment,
  signal?: AbortSignal,
): Promise<void> {
  const server = await readServer(mailbox.smtp, env);
  const { createTransport } = await import('nodemailer');
  const transport = createTransport({
    host: server.host,
    port: server.port,
    secure: server.secure,
    // By STARTTLS, or not at all: a server that does not offer it may not be the one meant.
    requireTLS: !server.secure && !isHere(server.host),
    ...(server.auth === null ? {} : { auth: server.auth }),
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    dnsTimeout: TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    await transport.sendMail({
      from: mailbox.from,
      to: [...mailbox.to],
      subject: title,
      text: `${lines.join('\n')}\n`,
      messageId: `<${id}@${mailbox.from.slice(mailbox.from.lastIndexOf('@') + 1)}>`,
      ...(signal === undefined ? {} : { signal }),
      headers: { 'X-Rollcall-Event': event, 'Auto-Submitted': 'auto-generated' },
    });
  } catch (error) {
    throw refused(server, error);
  } finally {
    transport.close();
  }
}

/** Whether the server of a mailbox can be read. Throws `email.bad_server`, `config.secret_…`. */
export async function checkMailbox(
  { smtp }: Pick<Mailbox, 'smtp'>,
  env: Environment,
): Promise<void> {
  await readServer(smtp, env);
}

async function readServer(reference: SecretReference, env: Environment): Promise<Server> {
  const url = URL.parse(await resolveSecret(reference, env));
  const scheme = url?.protocol;
  // What else could be said in such a URL (its query) would change how TLS is checked.
  const bare = url !== null && url.search === '' && url.hash === '' && /^\/?$/.test(url.pathname);
  if (!bare || (scheme !== 'smtp:' && scheme !== 'smtps:') || url.hostname === '') {
    const shown = formatReference(reference);
    const expected = 'smtps://user:password@host:465 or smtp://user:password@host:587';
    const sentence = `The secret ${shown} names no mail server: expected ${expected}.`;
    throw new AppError('email.bad_server', sentence, { detail: { reference: shown, expected } });
  }
  const auth =
    url.username === ''
      ? null
      : { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) };
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? PORTS[scheme] : Number(url.port),
    secure: scheme === 'smtps:',
    auth,
  };
}

function isHere(host: string): boolean {
  return LOOPBACK_NAMES.has(host) || host === '::1';
}

/** The words of a server may repeat what it was told: its status says enough. */
function refused({ host, port }: Server, error: unknown): AppError {
  const status = statusOf(error);
  const received = status === null ? codeOf(error) : `status ${status}`;
  const where = `${host}:${port}`;
  const sentence = `${where}: expected the mail to be taken, received ${received}`;
  return new AppError('email.refused', sentence, { detail: { where, received } });
}

function statusOf(error: unknown): number | null {
  const status: unknown = error instanceof Error ? Reflect.get(error, 'responseCode') : undefined;
  return typeof status === 'number' ? status : null;
}

/** Such as `EAUTH`, `ETLS`, `ECONNECTION`, `ETIMEDOUT`. */
function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' && /^[A-Z_]{2,40}$/.test(code) ? code : kindOf(error);
}

function kindOf(error: unknown): string {
  return /tls|certificate|ssl/i.test(wordsOf(error)) ? 'a failure of TLS' : 'a failure';
}
