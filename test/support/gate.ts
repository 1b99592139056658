import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way through to a real server that can be shut, so that one test alone loses it. */
export interface Gate {
  /** The server's URL, through the gate. */
  readonly url: string;
  /** How many connections are open now. */
  connections(): number;
  /** Cuts every connection off and lets none in. */
  shut(): void;
  /** Keeps connections open and passes nothing on: a server that hangs. */
  stall(): void;
  /** Lets everything through again. */
  reopen(): void;
  close(): Promise<void>;
}

/** Opens a gate in front of the server of a `redis://` or `postgres://` URL. */
export async function openGate(target: string): Promise<Gate> {
  const to = new URL(target);
  const open = new Set<Socket>();
  let state: 'open' | 'shut' | 'stalled' = 'open';
  const server = createServer((from) => {
    if (state === 'shut') {
      from.destroy();
      return;
    }
    const through = connect(Number(to.port), to.hostname);
    for (const [socket, other] of [
      [from, through],
      [through, from],
    ] as const) {
      open.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        open.delete(socket);
        other.destroy();
      });
      socket.on('data', (data) => {
        if (state === 'open') other.write(data);
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  const url = new URL(target);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    connections: () => open.size / 2,
    shut: () => {
      state = 'shut';
      cut();
    },
    stall: () => {
      state = 'stalled';
    },
    reopen: () => {
      if (state === 'stalled') cut();
      state = 'open';
    },
    close: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
