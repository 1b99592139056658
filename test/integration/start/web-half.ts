import { createServer } from 'node:http';
import { join } from 'node:path';
import { bareApp } from '@rollcall/cli/compose/bare-app';
import { jitAuth } from '@rollcall/jit-auth';
import { loadConfig } from '@rollcall/shared/config/load';
import { createLog } from '@rollcall/shared/telemetry/log';
import { Visitor } from '../../support/visitor.ts';
import type { ConfiguredFolder } from './configured.ts';
import { signIn } from './sign-in.ts';

/**
 * Has people sign in at the web half of a folder's configuration, which is opened in this
 * process for as long as that takes.
 */
export async function haveSignedIn(
  { cwd, env, port }: ConfiguredFolder,
  people: readonly string[],
): Promise<void> {
  const file = join(cwd, 'rollcall.yaml');
  const log = createLog('info', { write: () => undefined });
  const auth = await jitAuth(file, { env, log });
  const server = createServer(bareApp(auth, await loadConfig(file, env)));
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${port}`;
    for (const person of people) await signIn(new Visitor(), { url }, person);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await auth.close();
  }
}
