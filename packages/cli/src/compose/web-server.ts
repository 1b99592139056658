import { createServer, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { AppError } from '@rollcall/shared/core/errors';

/** A server that holds its address. */
export interface WebServer {
  readonly port: number;
  /** Hands requests to an app from now on; until then they are answered 503. */
  serve(app: RequestListener): void;
  /** Takes no more, lets running requests end for a moment, then cuts them. May be called twice. */
  close(): Promise<void>;
}

/** How long running requests may take once the service stops, in milliseconds. */
const GRACE_MS = 5_000;
/** How long a request may take to arrive whole. */
const REQUEST_TIMEOUT_MS = 30_000;

/**
 * Takes an address before anything else is opened, so that a port that is taken
 * costs nothing but a sentence. Throws `web.port_taken`, `web.port_forbidden` and
 * `web.address_unusable`.
 *
 * @param advice what to do about a port that is taken.
 */
export async function listen(host: string, port: number, advice: string): Promise<WebServer> {
  let listener: RequestListener = sayStarting;
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) =>
    listener(request, response),
  );
  const close = trackConnections(server);
  await bind(server, host, port, advice);
  const address = server.address();
  let closing: Promise<void> | undefined;
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    serve: (app) => {
      listener = app;
    },
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** Whether anybody listens on a port of this machine, by IPv4 or IPv6. */
export async function isPortFree(port: number): Promise<boolean> {
  for (const host of ['127.0.0.1', '::1']) {
    const probe = createServer();
    try {
      await bind(probe, host, port, '');
      await new Promise((resolve) => probe.close(resolve));
    } catch (error) {
      // A machine without IPv6 has nobody there.
      if (!(error instanceof AppError) || error.code !== 'web.address_unusable') return false;
    }
  }
  return true;
}

/** Probes and load balancers ask early; they read 503 as "not yet" (RFC 9110 §15.6.4). */
const sayStarting: RequestListener = (_request, response) => {
  response.writeHead(503, { 'content-type': 'application/problem+json', 'retry-after': '1' });
  response.end(JSON.stringify({ status: 503, code: 'service.starting', title: 'Starting' }));
};

function bind(server: Server, host: string, port: number, advice: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException) => reject(explain(cause, host, port, advice));
    server.once('error', fail);
    server.listen(port, host, () => {
      server.off('error', fail);
      resolve();
    });
  });
}

function explain(
  cause: NodeJS.ErrnoException,
  host: string,
  port: number,
  advice: string,
): AppError {
  const detail = { host, port, reason: cause.code ?? cause.message };
  const options = { cause, detail };
  if (cause.code === 'EADDRINUSE') {
    return new AppError('web.port_taken', `Port ${port} on ${host} is taken: ${advice}.`, options);
  }
  if (cause.code === 'EACCES') {
    const sentence = `This user may not listen on port ${port}: choose one from 1024 up.`;
    return new AppError('web.port_forbidden', sentence, options);
  }
  const sentence = `This machine cannot listen on ${host}: give listen an address of its own.`;
  return new AppError('web.address_unusable', sentence, options);
}

/**
 * Counts the requests of each connection, so that closing can tell those that
 * wait for an answer from those that only stay open: browsers hold some that have
 * never carried a request, which Node itself does not call idle.
 *
 * Answers with what closes the server.
 */
function trackConnections(server: Server): () => Promise<void> {
  const running = new Map<Socket, number>();
  let closing = false;
  const count = (socket: Socket, by: 1 | -1): void => {
    const left = (running.get(socket) ?? 0) + by;
    if (running.has(socket)) running.set(socket, left);
    if (closing && left === 0) socket.destroySoon();
  };
  server.on('connection', (socket: Socket) => {
    running.set(socket, 0);
    socket.once('close', () => running.delete(socket));
  });
  server.on('request', ({ socket }, response) => {
    count(socket, 1);
    response.once('close', () => count(socket, -1));
  });
  return async () => {
    closing = true;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const [socket, requests] of running) if (requests === 0) socket.destroy();
    const patience = setTimeout(() => server.closeAllConnections(), GRACE_MS);
    await closed;
    clearTimeout(patience);
  };
}
