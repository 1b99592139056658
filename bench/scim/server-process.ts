import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** A server in a process of its own. */
export interface ServerProcess {
  readonly url: string;
  /** The cores' time that it has had, in milliseconds. */
  cpuMs(): Promise<number>;
  close(): Promise<void>;
}

/**
 * Starts a server of this folder. It says `{ url }` over the channel of `fork` when it is
 * ready, then answers every message with `{ cpuMs }`, and ends with the channel. What it
 * logs goes where logs go that nobody keeps.
 */
export async function startServer(file: string, args: readonly string[]): Promise<ServerProcess> {
  const child = fork(join(import.meta.dirname, file), [...args], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const said = await Promise.race([once(child, 'message'), once(child, 'exit')]);
  const url = urlIn(said[0]);
  if (url === null) throw new Error(`${file} ended before it was ready`);
  return {
    url,
    cpuMs: async () => {
      const answer = once(child, 'message');
      child.send({});
      const [{ cpuMs }] = (await answer) as [{ cpuMs: number }];
      return cpuMs;
    },
    close: () => end(child),
  };
}

function urlIn(message: unknown): string | null {
  const isReady = typeof message === 'object' && message !== null && 'url' in message;
  return isReady ? String(message.url) : null;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || !child.connected) return;
  const ended = once(child, 'exit');
  child.disconnect();
  await ended;
}
