import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { onTestFinished } from 'vitest';

/** A port that nobody holds at this moment. */
export async function findFreePort(): Promise<number> {
  const server = await listenSomewhere();
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return port;
}

/** A port that somebody holds until the test ends. */
export async function holdPort(): Promise<number> {
  const server = await listenSomewhere();
  onTestFinished(() => void server.close());
  return portOf(server);
}

async function listenSomewhere(): Promise<Server> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
