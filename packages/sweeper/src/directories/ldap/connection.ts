import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import {
  BindRequest,
  ExtendedRequest,
  type Message,
  MessageParser,
  type MessageResponse,
  SearchEntry,
  SearchReference,
} from 'ldapts';
import { DirectoryError } from '../directory-error.ts';
import type { Pace } from '../pace.ts';
import { type LdapEntry, toEntry } from './entry.ts';
import { requireSuccess } from './result-code.ts';

/** Where a directory server listens, and how the way to it is secured. */
export interface LdapAddress {
  readonly host: string;
  readonly port: number;
  /** `ldaps`: TLS from the first byte; `starttls`: after an extended request (RFC 4511 §4.14). */
  readonly security: 'ldaps' | 'starttls' | 'none';
  /** PEM of the authorities to trust; null: those of Node. */
  readonly ca: string | null;
}

/** Whom we are there, by a simple bind (RFC 4513 §5.1.3). */
export interface LdapCredentials {
  readonly bindDn: string;
  readonly password: string;
}

/** How the server is asked. */
export interface LdapManner {
  /** For one request, in milliseconds. */
  readonly timeoutMs: number;
  /** Waited for before each request. */
  readonly pace: Pace | null;
}

/** What one request came to. */
export interface LdapAnswer {
  readonly entries: readonly LdapEntry[];
  /** URLs of other servers where the search would have to go on (RFC 4511 §4.5.3). */
  readonly references: readonly string[];
  readonly response: MessageResponse;
}

interface Waiting {
  readonly message: Message;
  readonly entries: LdapEntry[];
  readonly references: string[];
  resolve(answer: LdapAnswer): void;
  reject(error: Error): void;
}

const START_TLS = '1.3.6.1.4.1.1466.20037';

/**
 * One connection to one server. It is never made again by itself: the cookie of a
 * paged search dies with it (RFC 2696 §3), and another server, or the same one without
 * a bind, would list other people. ldapts writes and reads the messages; its own client
 * is not used because it connects anew unseen, and takes a page without entries for the
 * last one even where a cookie says that more will come.
 */
export class LdapConnection {
  #socket: Socket;
  readonly #timeoutMs: number;
  readonly #pace: Pace | null;
  readonly #waiting = new Map<string, Waiting>();
  #lastId = 0;
  #failure: Error | null = null;

  private constructor(socket: Socket, { timeoutMs, pace }: LdapManner) {
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    this.#pace = pace;
    this.#listenTo(socket);
  }

  /**
   * Connects and binds. Throws `DirectoryError`: `unauthorized` for a wrong password,
   * `request_failed` where nothing listens or the certificate does not hold.
   */
  static async open(
    address: LdapAddress,
    credentials: LdapCredentials,
    manner: LdapManner,
    signal: AbortSignal,
  ): Promise<LdapConnection> {
    signal.throwIfAborted();
    const socket = await openSocket(address, manner.timeoutMs, signal);
    const connection = new LdapConnection(socket, manner);
    try {
      if (address.security === 'starttls') await connection.#startTls(address, signal);
      const { bindDn: dn, password } = credentials;
      await connection.send((messageId) => new BindRequest({ messageId, dn, password }), signal);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Sends a request and waits for its last answer. Throws `DirectoryError`, and the signal's reason. */
  async send(write: (messageId: number) => Message, signal: AbortSignal): Promise<LdapAnswer> {
    signal.throwIfAborted();
    await this.#pace?.(signal);
    if (this.#failure !== null) throw this.#failure;
    this.#lastId += 1;
    const id = String(this.#lastId);
    const message = write(this.#lastId);
    const stop = () => this.#fail(signal.reason as Error);
    const timer = setTimeout(() => this.#fail(timedOut(this.#timeoutMs)), this.#timeoutMs);
    signal.addEventListener('abort', stop, { once: true });
    try {
      const answer = await new Promise<LdapAnswer>((resolve, reject) => {
        this.#waiting.set(id, { message, entries: [], references: [], resolve, reject });
        this.#socket.write(message.write());
      });
      requireSuccess(answer.response);
      return answer;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      this.#waiting.delete(id);
    }
  }

  close(): void {
    this.#fail(new DirectoryError('request_failed', 'The connection was closed.'));
  }

  #receive(message: MessageResponse): void {
    const waiting = this.#waiting.get(String(message.messageId));
    if (waiting === undefined) {
      // RFC 4511 §4.4.1: message 0 is the server's own notice, of a disconnection.
      this.#fail(new DirectoryError('request_failed', 'The server ended the connection.'));
    } else if (message instanceof SearchEntry) {
      waiting.entries.push(toEntry(message));
    } else if (message instanceof SearchReference) {
      waiting.references.push(...message.uris);
    } else {
      const { entries, references } = waiting;
      waiting.resolve({ entries, references, response: message });
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
    this.#socket.destroy();
  }

  /**
   * What is half read of one socket is no part of what another brings: whoever sits on the
   * way could else put the beginning of an answer before the first one by TLS.
   */
  #listenTo(socket: Socket): void {
    const parser = new MessageParser();
    const failMalformed = (cause: unknown): void =>
      this.#fail(
        new DirectoryError('malformed_answer', 'The server sent what is not LDAP.', { cause }),
      );
    parser.on('message', (message) => this.#receive(message as MessageResponse));
    parser.on('error', failMalformed);
    socket.on('data', (data: Buffer) => {
      try {
        parser.read(data, this.#waiting);
      } catch (cause) {
        failMalformed(cause);
      }
    });
    socket.on('error', (cause) => this.#fail(unreachable(cause)));
    socket.on('close', () =>
      this.#fail(new DirectoryError('request_failed', 'The server closed the connection.')),
    );
  }

  async #startTls(address: LdapAddress, signal: AbortSignal): Promise<void> {
    await this.send((messageId) => new ExtendedRequest({ messageId, oid: START_TLS }), signal);
    const plain = this.#socket;
    plain.removeAllListeners();
    this.#socket = await secure(plain, address, this.#timeoutMs);
    this.#listenTo(this.#socket);
  }
}

function openSocket(address: LdapAddress, timeoutMs: number, signal: AbortSignal): Promise<Socket> {
  const { host, port, security } = address;
  const secured = security === 'ldaps';
  const socket = secured
    ? connectTls({ port, ...tlsOptions(address) })
    : connectTcp({ host, port });
  return whenReady(socket, secured ? 'secureConnect' : 'connect', timeoutMs, signal);
}

function secure(plain: Socket, address: LdapAddress, timeoutMs: number): Promise<Socket> {
  const socket = connectTls({ socket: plain, ...tlsOptions(address) });
  return whenReady(socket, 'secureConnect', timeoutMs);
}

/** `host` is what the certificate must name: without it Node would compare with "localhost". */
function tlsOptions({ host, ca }: LdapAddress) {
  return {
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === null ? {} : { ca }),
    minVersion: 'TLSv1.2' as const,
  };
}

async function whenReady(
  socket: Socket,
  event: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Socket> {
  const stop = () => socket.destroy(signal?.reason as Error);
  const timer = setTimeout(() => socket.destroy(timedOut(timeoutMs)), timeoutMs);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once(event, () => resolve());
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('closed')));
    });
    socket.removeAllListeners('error');
    socket.removeAllListeners('close');
    return socket;
  } catch (cause) {
    socket.destroy();
    if (cause instanceof DirectoryError || signal?.aborted) throw cause;
    throw unreachable(cause);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

function timedOut(timeoutMs: number): DirectoryError {
  return new DirectoryError(
    'timed_out',
    `Expected an answer within ${timeoutMs} ms, received none.`,
  );
}

/** Says the code of the failure (`ECONNREFUSED`, `CERT_HAS_EXPIRED`), which holds no secret. */
function unreachable(cause: unknown): DirectoryError {
  const code: unknown = cause instanceof Error ? Reflect.get(cause, 'code') : undefined;
  const what = typeof code === 'string' ? code : 'an error of the connection';
  return new DirectoryError('request_failed', `Expected a connection, received ${what}.`, {
    cause,
  });
}
